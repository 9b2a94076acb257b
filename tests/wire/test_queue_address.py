import pytest

from fal_notebook.errors import InvalidRequest
from fal_notebook.wire.queue_address import queue_address

from ..conftest import KEY

ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)


def test_fals_queue_has_a_host_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    address = queue_address("fal-ai/flux/dev")
    assert address.submit_url == "https://queue.fal.run/fal-ai/flux/dev"
    own = f"https://queue.fal.run/fal-ai/flux/requests/{ID}"
    assert address.links(ID).as_dict() == {
        "status_url": f"{own}/status",
        "response_url": own,
        "cancel_url": f"{own}/cancel",
    }
    assert address.list_url("a", "b").startswith("https://api.fal.ai/v1/models/requests/by-endpoint?endpoint_id=fal-ai")
    monkeypatch.setenv("FAL_QUEUE_RUN_HOST", "queue.example.org")
    assert queue_address("workflows/me/mine/go").links(ID).response == (
        f"https://queue.example.org/workflows/me/mine/requests/{ID}"
    )


def test_a_gateways_queue_is_below_its_path() -> None:
    address = queue_address("a/b", "ws://127.0.0.1:8000/x")
    assert address.submit_url == "http://127.0.0.1:8000/x/queue/a/b"
    assert address.list_url("a", "b", "c").startswith("http://127.0.0.1:8000/x/queue/v1/models/requests/by-endpoint?")
    assert queue_address("a/b", "https://gateway.example.org").submit_url == "https://gateway.example.org/queue/a/b"


@pytest.mark.parametrize(
    "told",
    [
        f"https://evil.example.org/fal-ai/flux/requests/{ID}/status",
        f"http://queue.fal.run/fal-ai/flux/requests/{ID}/status",
        f"https://queue.fal.run:444/fal-ai/flux/requests/{ID}/status",
        f"https://queue.fal.run@evil.example.org/{ID}",
        f"https://me:it@queue.fal.run/{ID}",
        "https://[broken",
        "/fal-ai",
        7,
        None,
    ],
)
def test_an_address_on_another_host_is_not_followed(told: object) -> None:
    address = queue_address("fal-ai/flux/dev")
    links = address.links(ID, {"status_url": told})
    assert links.status == f"https://queue.fal.run/fal-ai/flux/requests/{ID}/status"
    assert not address.is_own(str(told))


def test_an_address_on_the_queues_own_host_is_used_as_it_is_told() -> None:
    told = f"https://queue.fal.run/elsewhere/{ID}/s?x=1"
    assert queue_address("fal-ai/flux").links(ID, {"status_url": told}).status == told


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", "x" * 200, "?x"])
def test_what_is_no_id_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="no id"):
        queue_address("fal-ai/flux").links(name)


def test_the_queue_of_fal_does_not_stream() -> None:
    with pytest.raises(InvalidRequest, match="its endpoint is fal-ai/any-llm"):
        queue_address("fal-ai/any-llm/stream")
