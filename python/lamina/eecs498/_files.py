"""A model's dictionary as a file: of torch.save where its arrays are tensors, else a .npz of NumPy. What is loaded runs no
code."""
import json

import numpy as np

from ._tensors import is_tensor, torch


def _walk(value, function):
    """The same lists and dictionaries with function(leaf) for each leaf."""
    if isinstance(value, dict):
        return {k: _walk(v, function) for k, v in value.items()}
    return [_walk(v, function) for v in value] if isinstance(value, (list, tuple)) else function(value)


def save(path, state):
    """Error: OSError."""
    if any(is_tensor(p) for p in state["params"].values()):
        torch.save(state, path)
        return
    stored = {}

    def leaf(value):
        if not isinstance(value, np.ndarray):
            return str(np.dtype(value)) if isinstance(value, (type, np.dtype)) else value
        stored[f"a{len(stored)}"] = value
        return {"array": f"a{len(stored) - 1}"}

    text = json.dumps(_walk(state, leaf))
    with open(path, "wb") as f:
        np.savez(f, state=np.array(text), **stored)


def load(path):
    """Error: OSError; ImportError for a file of torch.save without PyTorch."""
    try:
        with np.load(path, allow_pickle=False) as f:
            arrays = {name: f[name] for name in f.files}
        state = json.loads(str(arrays["state"]))
    except (KeyError, ValueError):  # a file of torch.save
        if not torch:
            raise ImportError(f"{path} was written with PyTorch, which is not there") from None
        return torch.load(path, map_location="cpu", weights_only=True)

    def filled(value):
        if isinstance(value, dict):
            return arrays[value["array"]] if set(value) == {"array"} else {k: filled(v) for k, v in value.items()}
        return [filled(v) for v in value] if isinstance(value, list) else value

    return filled(state)
