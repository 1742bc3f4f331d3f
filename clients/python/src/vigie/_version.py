"""The version, in one place for the package and for the User-Agent."""

from importlib.metadata import version

__version__ = version("vigie")
