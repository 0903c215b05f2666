"""The console side of the simulated router: its script language, /export and /import, files, backups, schedulers."""
