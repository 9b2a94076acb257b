"""What ``fal-notebook serve`` serves: the local models, or an application named on the command line."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from fal_notebook.local.asgi import ASGIApp
from fal_notebook.local.loading import INSTALL


class TargetError(Exception):
    """The application cannot be served; the message is one line for the user."""


def find_app(target: str | None) -> ASGIApp:
    """Return the application called ``module:attribute``, or the local models for None.

    A subclass of ``fal.App`` is turned into its application, as fal does inside its machines.

    Raises:
        TargetError: there is no such application, or a package is missing.
    """
    if target is None:
        return local_models()
    module, colon, name = target.partition(":")
    if not (module and colon and name):
        raise TargetError(f"{target!r} is not of the form module:app")
    found = _attribute(_import(module), name)
    if _is_fal_app(found):
        return _build_fal_app(found)
    if not callable(found):
        raise TargetError(f"{target} is a {type(found).__name__}, not an ASGI application")
    app: ASGIApp = found
    return app


def local_models() -> ASGIApp:
    """Return the application of the local models.

    Raises:
        TargetError: a package of the extra ``local`` is missing.
    """
    try:
        from fal_notebook.local.app import create_app
    except ImportError as error:
        raise TargetError(f"the package {error.name!r} is missing: {INSTALL}") from error
    return create_app()


def _import(module: str) -> Any:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise TargetError(f"cannot import {module}: {type(error).__name__}: {error}") from error


def _attribute(module: Any, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise TargetError(f"the module {module.__name__} has no attribute {name!r}") from error


def _is_fal_app(found: object) -> bool:
    # A module that defines a fal.App has imported fal: where nobody has, this is none, and fal need not be imported.
    fal = sys.modules.get("fal")
    return fal is not None and isinstance(found, type) and issubclass(found, fal.App)


def _build_fal_app(kind: Any) -> ASGIApp:
    os.environ["IS_ISOLATE_AGENT"] = "1"  # tells fal to serve, and not to deploy
    app: ASGIApp = kind(_allow_init=True)._build_app()
    return app
