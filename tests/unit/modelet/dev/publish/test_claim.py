"""Who owns a version."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.publish.claim import LEASE, Claim, adopt, check_free, claimed
from modelet.digest import digest
from modelet.errors import VersionExistsError

if TYPE_CHECKING:
    from modelet.dev.publish.draft import Package
    from modelet.store.store import Store

EARLIER = "2026-11-20T00:00:00Z"


def ended_process() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave_claim(store: Store, packed: Package, version: str = "v1", created_at: str = EARLIER, **said: Any) -> None:
    """What a publisher leaves that was killed after its claim."""
    claim = {
        "nonce": "n",
        "host": platform.node(),
        "process": ended_process(),
        "created_at": created_at,
        "manifest_sha256": digest(packed.manifest_of(version, created_at)),
    }
    store.write_once(f"tiny/{version}/claim.json", json.dumps({**claim, **said}).encode())


def test_numbers_are_counted_from_one_and_burned_ones_are_passed_over(store: Store, packed: Package) -> None:
    with claimed(store, "tiny", None, packed.manifest_of) as first:
        assert first.version == "1"
    store.write_once("tiny/7/claim.json", b"{}")
    store.write_once("tiny/v9/claim.json", b"{}")
    with claimed(store, "tiny", None, packed.manifest_of) as owned:
        assert owned.version == "8"


def test_a_number_that_is_taken_meanwhile_is_passed_over(file_store: Store, packed: Package) -> None:
    class Late(type(file_store)):  # type: ignore[misc]  # the class of the fixture
        """A store whose listing is old."""

        def children(self, prefix: str) -> list[str]:  # noqa: ARG002 - the signature is the store's
            return []

    late = Late(file_store.url)
    for expected in ("1", "2", "3"):
        with claimed(late, "tiny", None, packed.manifest_of) as owned:
            assert owned.version == expected


def test_of_many_publishers_at_once_each_gets_a_number_of_its_own(store: Store, packed: Package) -> None:
    got: list[str] = []
    start = threading.Barrier(8)

    def claim() -> None:
        start.wait()
        with claimed(store, "tiny", None, packed.manifest_of) as owned:
            got.append(owned.version)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [str(number) for number in range(1, 9)]


def test_of_many_publishers_of_one_name_one_owns_it_and_the_others_are_told_who_does(
    store: Store, packed: Package
) -> None:
    outcomes: list[str] = []
    start, hold = threading.Barrier(6), threading.Barrier(6)

    def claim() -> None:
        start.wait()
        try:
            with claimed(store, "tiny", "v1", packed.manifest_of):
                outcomes.append("owned")
                hold.wait()
        except VersionExistsError as error:
            outcomes.append(str(error))
            hold.wait()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("owned") == 1
    assert sum("tiny version v1 is being published on" in outcome for outcome in outcomes) == 5


def test_a_named_version_that_is_complete_is_refused(store: Store, packed: Package) -> None:
    store.write_once("tiny/v1/claim.json", b"{}")
    store.write_once("tiny/v1/model.json", b"{}")
    with (
        pytest.raises(
            VersionExistsError,
            match=r"tiny version v1 already exists in .*: choose another version, or leave out --version",
        ),
        claimed(store, "tiny", "v1", packed.manifest_of),
    ):
        pass
    with pytest.raises(VersionExistsError):
        check_free(store, "tiny", "v1")
    check_free(store, "tiny", "v2")


def test_a_named_version_that_was_never_finished_is_finished_by_the_same_contents(
    store: Store, packed: Package
) -> None:
    leave_claim(store, packed)
    with claimed(store, "tiny", "v1", packed.manifest_of) as owned:
        assert owned.resumed
        assert owned.manifest == packed.manifest_of("v1", EARLIER)


def test_a_publisher_of_this_process_that_failed_has_gone_too(store: Store, packed: Package) -> None:
    with pytest.raises(KeyError), claimed(store, "tiny", "v1", packed.manifest_of):
        raise KeyError
    with claimed(store, "tiny", "v1", packed.manifest_of) as owned:
        assert owned.resumed


def test_a_named_version_that_was_begun_with_other_contents_is_refused(store: Store, packed: Package) -> None:
    leave_claim(store, packed, manifest_sha256="0" * 64)
    with (
        pytest.raises(VersionExistsError, match="never completed, and this publish has other contents: choose another"),
        claimed(store, "tiny", "v1", packed.manifest_of),
    ):
        pass


def test_a_publisher_at_work_elsewhere_is_waited_for_one_lease(file_store: Store, packed: Package) -> None:
    now = datetime.now(UTC)
    leave_claim(file_store, packed, "v1", host="elsewhere", created_at=now.isoformat())
    with (
        pytest.raises(
            VersionExistsError, match=r"is being published on elsewhere since .*: wait, or choose another version"
        ),
        claimed(file_store, "tiny", "v1", packed.manifest_of),
    ):
        pass
    old = (now - LEASE - timedelta(minutes=1)).isoformat(timespec="seconds")
    leave_claim(file_store, packed, "v2", host="elsewhere", created_at=old)
    with claimed(file_store, "tiny", "v2", packed.manifest_of) as owned:
        assert owned.resumed


def test_a_publisher_at_work_in_another_process_here_is_waited_for(file_store: Store, packed: Package) -> None:
    leave_claim(file_store, packed, process=os.getppid(), created_at=datetime.now(UTC).isoformat())
    with (
        pytest.raises(VersionExistsError, match="is being published"),
        claimed(file_store, "tiny", "v1", packed.manifest_of),
    ):
        pass


def test_a_claim_that_is_none_of_ours_is_left_alone(file_store: Store, packed: Package) -> None:
    file_store.write_once("tiny/v1/claim.json", b"mine!")
    with (
        pytest.raises(VersionExistsError, match="unknown claim file"),
        claimed(file_store, "tiny", "v1", packed.manifest_of),
    ):
        pass


@given(
    st.binary(max_size=100)
    | st.fixed_dictionaries(
        {
            name: st.text(max_size=5) | st.integers() | st.none()
            for name in ("nonce", "host", "process", "manifest_sha256")
        }
        | {"created_at": st.sampled_from([EARLIER, "2026-11-20", "", "9999-99-99"]) | st.integers()}
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_file_makes_the_reader_of_claims_fail(data: bytes) -> None:
    claim = Claim.parse(data)
    assert claim is None or claim.is_abandoned in {True, False}


def test_a_claim_survives_its_file() -> None:
    claim = Claim("n", "h", 7, EARLIER, "0" * 64)
    assert Claim.parse(claim.to_json()) == claim


def test_a_claim_that_was_answered_too_late_finds_itself(file_store: Store, packed: Package) -> None:
    class Retrying(type(file_store)):  # type: ignore[misc]  # the class of the fixture
        """A store whose answers get lost: what it wrote it finds there when it writes again."""

        def write_once(self, path: str, data: Any) -> None:
            super().write_once(path, data)
            super().write_once(path, data)

    with claimed(Retrying(file_store.url), "tiny", None, packed.manifest_of) as owned:
        assert (owned.version, owned.resumed) == ("1", False)


def test_known_contents_may_share_a_claim_and_others_may_not(store: Store) -> None:
    adopt(store, "tiny", "3", b"manifest")
    adopt(store, "tiny", "3", b"manifest")
    with pytest.raises(VersionExistsError, match=r"tiny version 3 is claimed in .* for other contents"):
        adopt(store, "tiny", "3", b"another")
    store.write_once("tiny/4/claim.json", b"?")
    with pytest.raises(VersionExistsError):
        adopt(store, "tiny", "4", b"manifest")
