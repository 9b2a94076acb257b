"""What a run of the magic sends, before it is sent."""

import pytest

from fal_notebook.errors import InvalidRequest
from fal_notebook.request import Request, variants


def test_each_model_gets_the_same_arguments() -> None:
    requests = variants(Request("a/b", {"prompt": "x", "model": "other"}), "one, two/three")
    assert requests == {
        "one": Request("a/b", {"prompt": "x", "model": "one"}),
        "two/three": Request("a/b", {"prompt": "x", "model": "two/three"}),
    }


@pytest.mark.parametrize("models", ["", ",", "a,", "a,a", "a, a"])
def test_names_that_are_empty_or_the_same_are_refused(models: str) -> None:
    with pytest.raises(InvalidRequest, match="different names"):
        variants(Request("a/b", {}), models)
