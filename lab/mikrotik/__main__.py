"""The simulated router by itself: `python -m lab.mikrotik`."""

import typer

from lab.mikrotik.command import router

if __name__ == "__main__":
    typer.run(router)
