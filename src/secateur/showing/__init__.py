"""Records as notebooks show them: tables and small charts; pure. `secateur.api` registers them."""

from secateur.showing import measured, network, photos, study
from secateur.showing.network import of_model

__all__ = ["of_model", "register"]


def register() -> None:
    """Tell records how they look. Registering twice changes nothing."""
    for module in (measured, network, photos, study):
        module.register()
