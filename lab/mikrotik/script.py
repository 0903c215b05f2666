"""placeholder"""
from lab.mikrotik.router import Router


def run_script(router: Router, text: str) -> None:
    raise NotImplementedError
