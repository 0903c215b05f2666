"""A simulated MikroTik: the RouterOS API, its tables, and the life of PPPoE sessions behind them."""
