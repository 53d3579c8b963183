"""`dr verify` and signed manifests as a person meets them: text, JSON, exit codes, and what a restore then does."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess

import pytest

from dr.store.documents import open_manifest, sha256

KEYS = {"ok", "deep", "problems", "stores", "stacks"}
STORE = {"name", "reachable", "manifests", "templates", "problems"}
STACK = {"name", "account", "region", "verdict", "reasons", "versions"}
VERSION = {"id", "policy", "slot", "ok", "planned", "problems"}
PROBLEM = {"message", "remedy", "exit"}

_POLICIES = {
    "stacks": "select: {names: [wiki]}",
    "volumes": 'select: {tags: {"aws:cloudformation:stack-name": wiki}}',
    "instances": 'select: {tags: {"aws:cloudformation:stack-name": wiki}}',
}


@pytest.fixture
def wiki(installation):
    """The stack `wiki` of the fleet, protected with its data: versions in a primary and in a replica."""
    (installation.folder / "policies" / "files.yaml").unlink(missing_ok=True)
    configure(installation)
    for protect, select in _POLICIES.items():
        text = f'policy: {protect}\nprotect: {protect}\n{select}\nschedule: "0 * * * *"\nkeep: {{last: 5}}\n'
        installation.write(f"policies/{protect}.yaml", text)
    return installation


def configure(installation, signing=""):
    installation.write(
        "dr.yaml",
        f"name: {installation.name}\nregions: [eu-west-1]\n"
        f"store: {{primary: {{url: store/}}, replica: {{url: replica/}}}}\n{signing}",
    )


def new_key(installation, alias):
    """A signing key in KMS, and its public key as a PEM file beside dr.yaml."""
    kms = installation.shell.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    der = kms.get_public_key(KeyId=key)["PublicKey"]
    body = base64.encodebytes(der).decode()
    installation.write(
        f"{alias.removeprefix('alias/')}.pem",
        f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n",
    )
    return key


@pytest.fixture
def signed(wiki):
    """The same with manifests that are signed."""
    wiki.key = f"alias/{wiki.name}"
    new_key(wiki, wiki.key)
    configure(wiki, f"signing: {{key: {wiki.key}, public_key: {wiki.name}.pem}}\n")
    wiki.applied()
    return wiki


@pytest.fixture
def installation(installation):
    """One whose helpers may be given more."""
    return Given(installation)


class Given:
    """An installation with attributes of the test's own."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def __call__(self, *arguments):
        return self._inner(*arguments)


def the_file(installation, pattern, store="store"):
    (found,) = (installation.folder / store).rglob(pattern)
    return found


def stacks_of(installation):
    return {
        row["StackName"] for row in installation.shell.client("cloudformation").describe_stacks()["Stacks"]
    }


def problems(document):
    """Every problem of a document, wherever it stands."""
    found = list(document["problems"])
    for store in document["stores"]:
        found += store["problems"]
    for stack in document["stacks"]:
        found += stack["reasons"]
        for version in stack["versions"]:
            found += version["problems"]
    return found


# --- the answer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [(), ("--deep",)])
def test_all_is_well_is_0_with_exactly_the_keys_of_the_contract(wiki, deep):
    wiki.applied()
    done = wiki("verify", "--json", *deep)
    document = done.document

    assert (done.code, document["ok"], document["deep"], problems(document)) == (0, True, bool(deep), [])
    assert set(document) == KEYS
    assert [set(store) for store in document["stores"]] == [STORE] * 2
    (stack,) = document["stacks"]
    assert (set(stack), stack["name"], stack["verdict"]) == (STACK, "wiki", "restorable")
    assert [(set(one), one["ok"], one["planned"]) for one in stack["versions"]] == [(VERSION, True, True)]
    assert "All is well" in wiki("verify", *deep).out


def test_verify_changes_nothing_and_takes_no_lease(wiki):
    wiki.applied()
    files = {path: path.stat().st_mtime_ns for path in wiki.folder.rglob("*") if path.is_file()}
    assert wiki("verify", "--deep").code == 0

    assert files == {path: path.stat().st_mtime_ns for path in wiki.folder.rglob("*") if path.is_file()}


def test_data_without_a_policy_is_3_and_says_what_would_protect_it(wiki):
    for protect in ("volumes", "instances"):
        (wiki.folder / "policies" / f"{protect}.yaml").unlink()
    wiki.applied()
    done = wiki("verify", "--json")

    assert (done.code, done.document["stacks"][0]["verdict"]) == (3, "data-loss")
    assert {(set(row) == PROBLEM, row["exit"]) for row in problems(done.document)} == {(True, 3)}
    text = wiki("verify")
    assert text.code == 3
    assert "Stack wiki in eu-west-1: DATA LOSS" in text.out
    assert "comes up empty" in text.out
    assert "what to do: have a policy with `protect:" in text.out


@pytest.mark.parametrize(
    ("name", "hint"), [("wikki", "did you mean wiki?"), ("nothing-like-it", "`dr stacks` lists")]
)
def test_a_name_that_nobody_stored_is_2_with_the_one_that_is_near(wiki, name, hint):
    wiki.applied()
    done = wiki("verify", "--stack", name, "--json")
    assert (done.code, hint in done.error["remedy"]) == (2, True)
    assert wiki("verify", "--stack", "wiki").code == 0


def test_a_store_that_holds_nothing_of_any_installation_is_1(wiki):
    done = wiki("verify", "--stack", "wiki", "--json")
    assert (done.code, done.document["ok"]) == (1, False)
    assert "nothing of any installation" in problems(done.document)[0]["message"]


def test_a_stack_that_a_policy_selects_and_nobody_has_stored_is_3_and_named(wiki):
    wiki.applied()
    text = (wiki.folder / "policies" / "stacks.yaml").read_text()
    wiki.write("policies/stacks.yaml", text.replace("names: [wiki]", "names: ['*']"))
    others = sorted(stacks_of(wiki) - {"wiki"})
    done = wiki("verify", "--json")

    assert done.code == 3
    assert [row["message"].split()[6] for row in done.document["problems"]] == others
    one = wiki("verify", "--stack", others[0], "--json")
    assert (one.code, [row["message"].split()[6] for row in one.document["problems"]]) == (3, others[:1])


def test_an_apply_tells_that_one_store_had_lost_something_and_has_it_again(wiki):
    wiki.applied()
    shutil.rmtree(wiki.folder / "replica")
    document = wiki("apply", "--json").document

    assert [
        "1 version of stored stacks that one store lacked came from the other" in w["message"]
        for w in document["warnings"]
    ] == [True]
    assert wiki("apply", "--json").document["warnings"] == []
    assert wiki("verify").code == 0


def test_a_pin_that_is_damaged_is_told_by_verify(wiki):
    wiki.applied()
    (wiki.folder / "store" / "pins").mkdir()
    (wiki.folder / "store" / "pins" / "x.json").write_text("junk")
    done = wiki("verify", "--json")
    assert (done.code, "pins/x.json" in done.document["problems"][0]["message"]) == (1, True)


def test_a_store_whose_claim_was_taken_away_is_3(wiki):
    wiki.applied()
    (wiki.folder / "store" / "installation.json").unlink()
    done = wiki("verify", "--json")

    assert (done.code, "claimed by no installation" in done.document["problems"][0]["message"]) == (3, True)


@pytest.mark.parametrize("pattern", ["*.stacks.json", "*.stacks.*.sig"])
def test_i15_a_link_or_a_folder_in_a_files_place_is_4_and_named(signed, pattern):
    file = the_file(signed, pattern)
    body = file.read_bytes()
    file.unlink()
    file.symlink_to("/etc/hostname")
    linked = signed("verify", "--json")
    file.unlink()
    file.mkdir()
    folder = signed("verify", "--json")
    file.rmdir()
    file.write_bytes(body)

    assert linked.code == 4
    assert any(file.name in row["message"] for row in problems(linked.document))
    assert folder.code in (3, 4), "a manifest that is gone is told by the other store"
    assert all(store["reachable"] for store in folder.document["stores"])
    assert signed("verify").code == 0


def test_a_store_that_is_out_of_reach_is_1_and_the_other_is_checked(wiki):
    wiki.applied()
    shutil.rmtree(wiki.folder / "replica")
    (wiki.folder / "replica").write_text("no folder")
    done = wiki("verify", "--json")

    assert done.code == 1
    assert [store["reachable"] for store in done.document["stores"]] == [True, False]
    assert done.document["stacks"][0]["versions"][0]["ok"]
    assert "OUT OF REACH" in wiki("verify").out


@pytest.mark.parametrize("store", ["store", "replica"])
def test_i15_an_altered_byte_in_either_store_is_4_and_names_the_store(wiki, store):
    wiki.applied()
    file = the_file(wiki, "*.stacks.json", store)
    file.write_text(file.read_text().replace("wiki", "evil", 1))
    done = wiki("verify", "--json")

    assert (done.code, done.document["ok"]) == (4, False)
    assert any(str(wiki.folder / store) in row["message"] for row in problems(done.document))
    text = wiki("verify")
    assert text.code == 4
    assert "NOT ALL IS WELL" in text.out
    assert "what to do: do not restore from it" in text.out


def test_a_store_of_another_installation_is_4(wiki):
    wiki.applied()
    claim = wiki.folder / "store" / "installation.json"
    claim.write_text(claim.read_text().replace(wiki.name, "another"))

    done = wiki("verify", "--json")
    assert (done.code, done.document["problems"][0]["exit"]) == (4, 4)


# --- signed manifests -----------------------------------------------------------------------------------------------


def test_signed_captures_are_verified_restored_and_checked_without_kms(signed):
    signed.shell.client("kms").disable_key(
        KeyId=signed.shell.client("kms").describe_key(KeyId=signed.key)["KeyMetadata"]["KeyId"]
    )
    assert signed("verify", "--deep").code == 0
    done = signed("restore", "--stack", "wiki", "--as", f"w-{signed.name}", "--yes", "--json")
    assert (done.code, done.document["result"]) == (0, "done")


def test_openssl_verifies_what_kms_has_signed(signed):
    command = ["openssl", "dgst", "-sha256", "-verify", signed.folder / f"{signed.name}.pem"]
    files = ["-signature", the_file(signed, "*.sig"), the_file(signed, "*.stacks.json")]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Verified OK\n")


def _tampered(signed):
    file = the_file(signed, "*.stacks.json")
    file.write_bytes(file.read_bytes().replace(b"wiki", b"evil", 1))


def _forged(signed):
    """A manifest that is whole in itself, and says that it is about the same stack."""
    file = the_file(signed, "*.stacks.json")
    document = json.loads(file.read_bytes())
    document.pop("digest")
    document["stack"]["termination_protection"] = True
    canonical = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    document["digest"] = sha256(json.dumps(document, **canonical).encode())
    file.write_bytes(json.dumps(document, **canonical).encode())
    open_manifest(file.read_bytes(), "the forger")


def _signature_removed(signed):
    the_file(signed, "*.sig").unlink()


def _another_key_pinned(signed):
    new_key(signed, f"alias/other-{signed.name}")
    configure(signed, f"signing: {{key: {signed.key}, public_key: other-{signed.name}.pem}}\n")


def _signed_by_another_key(signed):
    """As somebody would who can write to the bucket, and has a key of his own."""
    key, body = new_key(signed, f"alias/evil-{signed.name}"), the_file(signed, "*.stacks.json").read_bytes()
    the_file(signed, "*.sig").write_bytes(
        signed.shell.client("kms").sign(
            KeyId=key,
            Message=hashlib.sha256(body).digest(),
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]
    )


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (_tampered, "it has no signature of the key that is pinned"),
        (_forged, "it has no signature of the key that is pinned"),
        (_signature_removed, "it has no signature of the key that is pinned"),
        (_another_key_pinned, "its signature does not hold"),
        (_signed_by_another_key, "its signature does not hold"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_i15_what_the_pinned_key_did_not_sign_is_4_for_verify_stacks_and_restore_and_creates_nothing(
    signed, attack, said
):
    shutil.rmtree(signed.folder / "replica")  # else the stores disagree, which is told first
    configure_alone(signed)
    attack(signed)
    before = stacks_of(signed)
    restored = signed("restore", "--stack", "wiki", "--as", f"x-{signed.name}", "--yes", "--json")
    checked, listed = signed("verify", "--json"), signed("stacks", "wiki", "--json")

    assert (restored.code, said in restored.error["message"]) == (4, True)
    assert (checked.code, checked.document["stacks"][0]["verdict"]) == (4, "no")
    assert any(said in row["message"] for row in problems(checked.document))
    assert listed.code == 4
    assert said in listed.document["versions"][0]["error"]
    assert stacks_of(signed) == before


def configure_alone(signed):
    text = (signed.folder / "dr.yaml").read_text()
    signed.write("dr.yaml", text.replace(", replica: {url: replica/}", ""))


def test_a_version_from_before_signing_is_refused_and_the_next_capture_signs_itself(wiki):
    wiki.applied()
    alias = f"alias/{wiki.name}"
    new_key(wiki, alias)
    configure(wiki, f"signing: {{key: {alias}, public_key: {wiki.name}.pem}}\n")
    done = wiki("restore", "--stack", "wiki", "--as", f"y-{wiki.name}", "--plan-only", "--json")
    assert (done.code, "docs/runbook.md" in done.error["remedy"]) == (4, True)

    wiki.write(
        "policies/stacks.yaml",
        f'policy: again\nprotect: stacks\n{_POLICIES["stacks"]}\nschedule: "0 * * * *"\nkeep: {{last: 5}}\n',
    )
    wiki.applied()
    codes = {row["policy"]: row["ok"] for row in wiki("verify", "--json").document["stacks"][0]["versions"]}
    assert codes == {"stacks": False, "again": True}


def test_a_key_that_kms_does_not_have_fails_the_stacks_capture_and_no_other(wiki):
    new_key(wiki, f"alias/{wiki.name}")
    configure(wiki, f"signing: {{key: alias/none, public_key: {wiki.name}.pem}}\n")
    done = wiki("apply", "--json")
    results = {row["policy"]: row["result"] for row in done.document["outcomes"]}

    assert (done.code, results) == (1, {"stacks": "failed", "volumes": "done", "instances": "done"})
    (failed,) = [row for row in done.document["outcomes"] if row["error"]]
    assert "could not be signed with alias/none" in failed["error"]
    assert "correct `signing.key` in dr.yaml" in failed["remedy"]
    assert "what to do: correct `signing.key` in dr.yaml" in wiki("apply").out
    assert list((wiki.folder / "store").rglob("*.stacks.json")) == []


def test_a_public_key_of_another_pair_stores_nothing(wiki):
    new_key(wiki, f"alias/{wiki.name}")
    new_key(wiki, f"alias/other-{wiki.name}")
    configure(wiki, f"signing: {{key: alias/other-{wiki.name}, public_key: {wiki.name}.pem}}\n")
    done = wiki("apply", "--json")

    assert done.code == 1
    assert any(
        "not of one pair" in (row["error"] or "") or "does not hold" in (row["error"] or "")
        for row in done.document["outcomes"]
    )
    assert list((wiki.folder / "store").rglob("*.stacks.json")) == []


@pytest.mark.parametrize(
    ("text", "said"), [(None, "No such file"), ("no key\n", "is no PEM of one public key")]
)
def test_a_public_key_file_that_is_none_is_a_problem_with_its_position(wiki, text, said):
    if text is not None:
        wiki.write("pinned.pem", text)
    configure(wiki, "signing: {key: alias/dr, public_key: pinned.pem}\n")
    done = wiki("validate", "--json")

    (problem,) = done.document["problems"]
    assert (done.code, problem["line"], said in problem["message"]) == (2, 1, True)
    assert problem["file"].endswith("pinned.pem")
    assert wiki("verify").code == 2
