import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from fal_notebook.local.queue import LocalQueue
from fal_notebook.local.queue_requests import Bill
from fal_notebook.local.queue_settings import QueueLimits, Working

from ..conftest import wait_until
from .queues import APP, Client, Echo, queue_of
from .wire import ask

KEY = "made-up-id:made-up-secret"
FAST = Working(retry_seconds=0.01)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def client(echo: Echo) -> Iterator[Client]:
    with queue_of(echo, working=FAST) as (client, _):
        yield client


def test_a_request_is_submitted_completed_and_fetched(client: Client) -> None:
    told = client.submit({"x": "ünïcödé 🦦"}, f"{APP}/sub/path")
    base = f"{client.url}/{APP}/requests/{told['request_id']}"
    urls = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
    assert told.items() >= urls.items()
    assert told["queue_position"] == 0
    status = client.wait(told)
    assert status["logs"] == []
    assert status["metrics"]["inference_time"] >= 0
    assert "error" not in status
    answer = client.result(told)
    assert (answer.status_code, answer.json()) == (200, {"x": "ünïcödé 🦦"})
    assert answer.headers["x-fal-request-id"] == told["request_id"]
    assert answer.headers["x-fal-billable-units"] == "1"


def test_the_application_sees_its_path_and_headers_but_not_the_key(client: Client, echo: Echo) -> None:
    told = client.submit(
        {"x": 1},
        f"{APP}/sub",
        "?fal_max_queue_length=9&mine=a%20b",
        {"Authorization": f"Key {KEY}", "X-Mine": "yes", "X-Fal-Request-Id": "another"},
    )
    client.wait(told)
    (scope,) = echo.scopes
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", f"/{APP}/sub", b"mine=a+b")
    headers = dict(scope["headers"])
    assert headers[b"x-fal-request-id"].decode() == told["request_id"]
    assert headers[b"x-mine"] == b"yes"
    assert b"authorization" not in headers


def test_the_gateway_is_beside_the_queue(client: Client) -> None:
    assert ask(f"ws://{urlsplit(client.url).netloc}/{APP}", {"x": 1}).body == b'{"x": 1}'


@pytest.mark.parametrize("status", [400, 422, 499, 500])
def test_a_result_is_the_applications_own_error(client: Client, echo: Echo, status: int) -> None:
    told = client.submit({"x": 1, "status": status, "headers": {"x-mine": "kept", "x-fal-error-type": "odd"}})
    completed = client.wait(told)
    assert (completed["error"], completed["error_type"]) == ("as you wished", "odd")
    answer = client.result(told)
    assert (answer.status_code, answer.json()) == (status, {"detail": "as you wished"})
    assert (answer.headers["x-mine"], answer.headers["x-fal-error-type"]) == ("kept", "odd")
    assert answer.headers["x-fal-billable-units"] == ("0" if status == 500 else "1")
    assert echo.calls == {"1": 1}


def test_an_application_that_raises_is_a_server_error(client: Client) -> None:
    told = client.submit({"raise": True})
    assert client.wait(told)["error_type"] == "runner_server_error"
    assert client.result(told).status_code == 500


def test_half_an_answer_is_none(client: Client) -> None:
    told = client.submit({"break": True})
    assert client.wait(told)["error_type"] == "runner_incomplete_response"
    assert client.result(told).status_code == 502


@pytest.mark.parametrize("status", [503, 504])
def test_what_is_not_available_is_tried_again(client: Client, echo: Echo, status: int) -> None:
    told = client.submit({"x": 1, "status": status, "fail": 3})
    assert client.result(told).json()["x"] == 1
    assert echo.calls == {"1": 4}
    assert len(client.status(told, "?logs=1")["logs"]) == 3


def test_retries_have_an_end(echo: Echo) -> None:
    with queue_of(echo, working=Working(retries=2, retry_seconds=0.01)) as (client, queue):
        told = client.submit({"x": 1, "status": 503})
        assert client.result(told).status_code == 503
        assert queue.bill() == Bill(submitted=1, worked_on=1, runs=3, charged=0, units=0)


def test_a_client_and_an_application_can_refuse_retries(client: Client, echo: Echo) -> None:
    client.wait(client.submit({"x": "client", "status": 503}, headers={"X-Fal-No-Retry": "1"}))
    client.wait(client.submit({"x": "app", "status": 503, "headers": {"x-fal-needs-retry": "0"}}))
    client.wait(client.submit({"x": "wanted", "status": 500, "fail": 1, "headers": {"x-fal-needs-retry": "1"}}))
    assert echo.calls == {"client": 1, "app": 1, "wanted": 2}


def test_as_many_are_at_work_as_the_limit_says_and_the_rest_have_positions(echo: Echo) -> None:
    with queue_of(echo, working=Working(concurrency=3)) as (client, _):
        told = [client.submit({"x": number, "wait": True}) for number in range(8)]
        wait_until(lambda: len(echo.started) == 3)
        states = [client.status(each) for each in told]
        assert [each["status"] for each in states] == ["IN_PROGRESS"] * 3 + ["IN_QUEUE"] * 5
        assert [each["queue_position"] for each in states[3:]] == [0, 1, 2, 3, 4]
        assert [each["queue_position"] for each in told] == [0, 0, 0, 0, 1, 2, 3, 4]
        assert all(each["logs"] is None for each in states[:3])
        echo.released = True
        for number, each in enumerate(told):
            assert client.result(each).json()["x"] == number
        assert echo.at_once == 3
        assert echo.started == [str(number) for number in range(8)]


def test_low_priority_goes_last(echo: Echo) -> None:
    with queue_of(echo, working=Working(concurrency=1)) as (client, _):
        client.submit({"x": "first", "wait": True})
        low = client.submit({"x": "low"}, headers={"X-Fal-Queue-Priority": "low"})
        client.submit({"x": "normal"})
        assert client.status(low)["queue_position"] == 1
        echo.released = True
        client.wait(low)
        assert echo.started == ["first", "normal", "low"]


def test_logs_are_told_while_the_request_is_at_work(client: Client, echo: Echo) -> None:
    echo.released = False
    told = client.submit({"x": 1, "log": "a first step", "wait": True})
    client.wait(told, "IN_PROGRESS")
    wait_until(lambda: bool(client.status(told, "?logs=1")["logs"]))
    assert client.status(told, "?logs=1")["logs"][0]["message"] == "a first step"
    echo.released = True
    assert len(client.wait(told)["logs"]) == 1


def test_logs_are_those_of_the_request(client: Client) -> None:
    told = [client.submit({"x": number, "log": f"step of {number}"}) for number in range(4)]
    for number, each in enumerate(told):
        (line,) = client.wait(each)["logs"]
        assert (line["message"], line["level"]) == (f"step of {number}", "INFO")
        assert line["timestamp"].endswith("Z")
        assert client.status(each)["logs"] is None


def test_a_status_is_streamed_at_each_change(echo: Echo) -> None:
    with queue_of(echo, working=Working(concurrency=1)) as (client, _):
        client.submit({"x": 1, "wait": True})
        told = client.submit({"x": 2, "log": "a step"})
        timer = threading.Timer(0.3, lambda: setattr(echo, "released", True))
        timer.start()
        answer = client.ask("GET", f"{told['status_url']}/stream?logs=1")
        timer.join()
        assert answer.headers["content-type"] == "text/event-stream"
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        assert events[0]["status"] == "IN_QUEUE"
        assert events[-1]["status"] == "COMPLETED"
        assert events[-1]["logs"][0]["message"] == "a step"


def test_an_unfinished_request_has_no_result(client: Client, echo: Echo) -> None:
    told = client.submit({"wait": True})
    answer = client.ask("GET", told["response_url"])
    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})
    echo.released = True
    assert client.result(told).status_code == 200


def test_unknown_requests_are_not_found(client: Client) -> None:
    told = client.submit({"x": 1})
    for url in (f"{client.url}/{APP}/requests/none", told["response_url"].replace(APP, "acme/other")):
        for method, what in (("GET", ""), ("GET", "/status"), ("GET", "/status/stream"), ("PUT", "/cancel")):
            assert client.ask(method, url + what).status_code == 404
    assert client.ask("PUT", f"{client.url}/{APP}/requests/none/cancel").json()["status"] == "NOT_FOUND"
    assert client.ask("GET", "/acme").status_code == 404
    assert client.ask("POST", "/acme", json={}).status_code == 404
    assert client.ask("DELETE", told["cancel_url"]).status_code == 405


def test_a_waiting_request_is_cancelled_and_costs_nothing(echo: Echo) -> None:
    with queue_of(echo, working=Working(concurrency=1)) as (client, queue):
        first = client.submit({"x": 1, "wait": True})
        second, third = client.submit({"x": 2}), client.submit({"x": 3})
        answer = client.ask("PUT", second["cancel_url"])
        assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
        status = client.wait(second)
        assert status["error_type"] == "client_cancelled"
        assert client.result(second).status_code == 499
        assert client.status(third)["queue_position"] == 0
        echo.released = True
        client.wait(third)
        answer = client.ask("PUT", first["cancel_url"])
        assert (answer.status_code, answer.json()) == (400, {"status": "ALREADY_COMPLETED"})
        assert echo.calls == {"1": 1, "3": 1}
        assert queue.bill() == Bill(submitted=3, worked_on=2, runs=2, charged=2, units=2)


def test_a_request_at_work_is_cancelled_and_billed(client: Client, echo: Echo) -> None:
    told = client.submit({"x": 1, "wait": True})
    client.wait(told, "IN_PROGRESS")
    assert client.ask("PUT", told["cancel_url"]).status_code == 202
    assert client.wait(told)["error_type"] == "client_cancelled"
    assert client.ask("GET", "/bill").json()["charged"] == 1
    assert client.result(client.submit({"x": 2})).status_code == 200


def test_a_request_between_two_tries_is_cancelled(echo: Echo) -> None:
    with queue_of(echo, working=Working(retry_seconds=60)) as (client, _):
        told = client.submit({"x": 1, "status": 503})
        wait_until(lambda: echo.calls["1"] == 1 and client.status(told)["status"] == "IN_QUEUE")
        client.ask("PUT", told["cancel_url"])
        assert client.wait(told)["error_type"] == "client_cancelled"
        assert echo.calls == {"1": 1}


@pytest.mark.parametrize("name", ["X-Fal-Request-Start-Timeout", "X-Fal-Request-Timeout"])
def test_a_request_that_may_not_wait_any_longer_ends(echo: Echo, name: str) -> None:
    with queue_of(echo, working=Working(concurrency=1)) as (client, _):
        first = client.submit({"x": 1, "wait": True}, headers={name: "0.05"})
        late = client.submit({"x": 2}, headers={name: "0.05"})
        answer = client.result(late)
        assert answer.status_code == 504
        assert answer.headers["x-fal-error-type"] == "request_timeout"
        assert answer.headers["x-fal-request-timeout-type"] == "user"
        echo.released = True
        assert client.result(first).status_code == 200
        assert echo.calls == {"1": 1}


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_to_start_is_a_number_of_seconds(client: Client, seconds: str) -> None:
    refused = client.ask("POST", f"/{APP}", json={}, headers={"X-Fal-Request-Start-Timeout": seconds})
    assert refused.status_code == 400


def test_results_expire_and_large_ones_before_others(echo: Echo) -> None:
    limits = QueueLimits(keep_large_seconds=0.0)
    with queue_of(echo, limits=limits) as (client, _):
        small, large = client.submit({"x": 1}), client.submit({"x": 2, "size": 10 * 1024})
        assert client.result(small).status_code == 200
        assert client.result(large).status_code == 404
        assert client.status(large)["status"] == "COMPLETED"
    with queue_of(echo, limits=QueueLimits(keep_seconds=0.0)) as (client, _):
        assert client.result(client.submit({"x": 1})).status_code == 404


def test_the_clients_own_bound_of_the_queue_is_kept(echo: Echo) -> None:
    with queue_of(echo, working=Working(concurrency=1)) as (client, queue):
        client.submit({"x": 1, "wait": True})
        client.submit({"x": 2}, query="?fal_max_queue_length=1")
        refused = client.ask("POST", f"/{APP}?fal_max_queue_length=1", json={"x": 3})
        assert refused.status_code == 429
        assert queue.bill().submitted == 2
        echo.released = True


def test_too_many_requests_a_second_are_refused(echo: Echo) -> None:
    with queue_of(echo, limits=QueueLimits(requests_per_second=5)) as (client, queue):
        answers = [client.ask("POST", f"/{APP}", json={"x": 1}) for _ in range(12)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 1 <= len(refused) <= 7
        assert refused[0].headers["retry-after"] == "1"
        assert queue.bill().submitted == 12 - len(refused)


def test_requests_are_listed_with_what_was_asked_and_answered(client: Client, echo: Echo) -> None:
    told = [client.submit({"x": number}) for number in range(3)]
    client.wait(client.submit({"x": "secret"}, headers={"X-Fal-Store-IO": "0"}))
    client.wait(client.submit({"x": "other"}, "acme/other"))
    for each in told:
        client.wait(each)
    page = _listed(client, "&expand=payloads")
    assert {item["request_id"] for item in page["items"]} >= {each["request_id"] for each in told}
    inputs = [item["json_input"] for item in page["items"]]
    assert sorted(each["x"] for each in inputs if each) == [0, 1, 2]
    assert inputs == [item["json_output"] for item in page["items"]]
    assert (len(inputs), page["has_more"], page["next_cursor"]) == (4, False, None)
    assert "json_input" not in _listed(client)["items"][0]
    waiting = client.submit({"x": "waits", "wait": True})
    assert waiting["request_id"] not in {item["request_id"] for item in _listed(client)["items"]}
    echo.released = True


def _listed(client: Client, more: str = "") -> Any:
    answer = client.ask("GET", f"/v1/models/requests/by-endpoint?endpoint_id={APP}{more}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_has_pages_and_filters(client: Client) -> None:
    for number in range(5):
        client.wait(client.submit({"x": number, "status": 422 if number == 4 else 200}))
    first = _listed(client, "&limit=3")
    second = _listed(client, f"&limit=3&cursor={first['next_cursor']}")
    assert (len(first["items"]), first["has_more"]) == (3, True)
    assert (len(second["items"]), second["has_more"]) == (2, False)
    ids = [item["request_id"] for item in first["items"] + second["items"]]
    assert len(set(ids)) == 5
    assert len(_listed(client, "&status=user_error")["items"]) == 1
    assert len(_listed(client, f"&request_id={ids[2]}")["items"]) == 1
    assert _listed(client, "&end=2020-01-01")["items"] == []
    assert len(_listed(client, "&start=2020-01-01T00:00:00Z")["items"]) == 5
    for wrong in ("?endpoint_id=", f"?endpoint_id={APP}&limit=0", f"?endpoint_id={APP}&start=x"):
        assert client.ask("GET", f"/v1/models/requests/by-endpoint{wrong}").status_code == 422


def test_the_list_may_lag_and_may_have_what_waits(echo: Echo) -> None:
    with queue_of(echo, limits=QueueLimits(listing_seconds=0.3)) as (client, _):
        client.wait(client.submit({"x": 1}))
        assert _listed(client)["items"] == []
        wait_until(lambda: len(_listed(client)["items"]) == 1)
    with queue_of(echo, limits=QueueLimits(lists_unfinished=True)) as (client, _):
        client.submit({"x": 1, "wait": True})
        (item,) = _listed(client)["items"]
        assert item["status_code"] is None
        echo.released = True


def test_the_applications_own_billable_units_are_summed(echo: Echo) -> None:
    with queue_of(echo) as (client, queue):
        told = client.submit({"x": 1, "headers": {"X-Fal-Billable-Units": "2.5"}})
        assert client.result(told).headers["x-fal-billable-units"] == "2.5"
        client.wait(client.submit({"x": 2}))
        assert queue.bill() == Bill(submitted=2, worked_on=2, runs=2, charged=2, units=3.5)
        assert client.ask("GET", "/bill").json()["units"] == 3.5


def test_a_webhook_is_told(client: Client) -> None:
    heard: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as hook:
        thread = threading.Thread(target=hook.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{hook.server_port}"
        good = client.submit({"x": 1}, query=f"?fal_webhook={url}")
        wait_until(lambda: len(heard) == 1)
        client.submit({"x": 2, "status": 422}, query=f"?fal_webhook={url}")
        wait_until(lambda: len(heard) == 2)
        hook.shutdown()
        thread.join()
    assert (heard[0]["request_id"], heard[0]["status"], heard[0]["payload"]["x"]) == (good["request_id"], "OK", 1)
    assert (heard[1]["status"], heard[1]["error"]) == ("ERROR", "as you wished")
    assert client.ask("POST", f"/{APP}?fal_webhook=file:///etc/passwd", json={}).status_code == 400


def test_without_the_key_nothing_is_told(echo: Echo) -> None:
    with queue_of(echo, key=KEY) as (client, queue):
        assert client.ask("POST", f"/{APP}", json={}).status_code == 401
        assert client.ask("GET", "/bill").status_code == 401
        client.submit({"x": 1}, headers={"Authorization": f"Key {KEY}"})
        assert queue.bill().submitted == 1


def test_web_pages_and_rebound_names_are_refused(client: Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert client.ask("POST", f"/{APP}", json={}, headers=headers).status_code == 403


def test_a_queue_ends_in_a_moment_with_requests_at_work(echo: Echo) -> None:
    with queue_of(echo) as (client, _):
        client.wait(client.submit({"wait": True}), "IN_PROGRESS")
        began = time.monotonic()
    assert time.monotonic() - began < 5


def test_a_queue_is_made_without_an_event_loop(echo: Echo) -> None:
    queue = LocalQueue(echo)
    assert queue.bill() == Bill(0, 0, 0, 0, 0)
    queue.close()
