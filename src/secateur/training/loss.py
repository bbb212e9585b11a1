"""What training makes small: the cross-entropy, and what a teacher says beside it.

Letters: n photos, c classes.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 4.0


def loss(
    logits: Tensor,
    y: Tensor,
    *,
    smoothing: float,
    taught: Tensor | None = None,
    distil: float = 0.0,
    weights: Tensor | None = None,
) -> Tensor:
    """The mean over n photos of (1 − a) · CE + a · T² · KL(teacher ‖ student), both softened by T = 4; a is `distil`.

    logits, taught: (n, c); taught are the teacher's logits. T² keeps the weight of the second term as it is when T
    changes. Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv:1503.02531, section 2.
    weights: (c,), of a photo's cross-entropy by its class; the mean stays one over photos, so that a batch may be cut.
    """
    if weights is None:
        hard = F.cross_entropy(logits.float(), y, label_smoothing=smoothing)
    else:
        alone = F.cross_entropy(logits.float(), y, label_smoothing=smoothing, reduction="none")
        hard = (weights[y] * alone).mean()
    if taught is None or not distil:
        return hard
    student = F.log_softmax(logits.float() / TEMPERATURE, dim=1)
    teacher = F.log_softmax(taught.float() / TEMPERATURE, dim=1)
    soft = F.kl_div(student, teacher, reduction="batchmean", log_target=True)
    return (1 - distil) * hard + distil * TEMPERATURE**2 * soft
