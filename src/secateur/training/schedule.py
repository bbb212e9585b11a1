"""The learning rate of a step."""

from __future__ import annotations

from secateur.training.recipes import Recipe

BEFORE_REST = 10  # epochs that are too few to give any away
RESTING = 0.01  # × the highest learning rate


def one_cycle(recipe: Recipe, step: int, epochs: int, batches: int) -> float:
    """Of step number `step`, from 0: up in a line, down in a line, then at rest. `batches`: an epoch's."""
    total = epochs * batches
    rising = max(1, round(total * recipe.warm_up))
    if step < rising:
        return recipe.lr * (step + 1) / rising
    resting = recipe.rest * max(0, epochs - BEFORE_REST) * batches
    falling = max(1, total - rising - round(resting))
    return recipe.lr * max(RESTING, 1 - (step - rising) / falling)
