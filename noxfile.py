"""The tests on every Python that is supported and installed here: ``nox``."""

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Run the tests with the package installed as users have it."""
    session.run_install("python", "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    session.run_install("python", "-m", "pip", "install", "--quiet", "--group", "dev", ".")
    session.run("python", "-m", "pytest", "-q", *session.posargs)
