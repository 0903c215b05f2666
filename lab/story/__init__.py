"""The story: nine steps against the running system, through its public doors only."""
