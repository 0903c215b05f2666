"""`python -m lab.mikrotik`: the simulated router by itself."""

import typer

from lab.mikrotik.command import router

if __name__ == "__main__":
    typer.run(router)
