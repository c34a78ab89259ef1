"""`python -m e2e.deploy.emulator INVOKER`, in MiniStack's environment, with MiniStack's own variables."""

from __future__ import annotations

import sys

from ministack import app

from e2e.deploy.emulator import (
    alarms,
    authorization,
    codedeploy,
    functions,
    leading_keys,
    permissions,
    registry,
    resources,
    rights,
)


def main() -> None:
    """Add ours to MiniStack and serve until SIGTERM; INVOKER is the URL that answers functions from images."""
    invoker = sys.argv.pop()
    authorization.install()
    registry.install()
    alarms.install()
    functions.install(invoker)
    resources.install()
    permissions.install()
    rights.install()
    leading_keys.install()
    codedeploy.install()
    # With TLS it would take port 443 as well, if it may.
    app._port_is_bindable = lambda *_: False
    app.main()


if __name__ == "__main__":
    main()
