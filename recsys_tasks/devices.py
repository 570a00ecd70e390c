"""Where torch computes."""


def torch_device(wanted: str) -> str:
    """The device that a setting names; `auto` is a GPU where there is one."""
    if wanted != "auto":
        return wanted
    import torch  # noqa: PLC0415  seconds to import; only who computes pays

    return "cuda" if torch.cuda.is_available() else "cpu"
