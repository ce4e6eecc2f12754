"""What can be done to training rows to have more of them; importing registers the kinds."""

from nntrain.augmentations.images import Brightness, Cutout, Flip, Rotate, Shift, Zoom
from nntrain.augmentations.mixing import Cutmix, Mixup
from nntrain.augmentations.series import Noise, Scale, TimeShift

__all__ = [
    "Brightness", "Cutmix", "Cutout", "Flip", "Mixup", "Noise", "Rotate", "Scale", "Shift",
    "TimeShift", "Zoom",
]  # fmt: skip
