"""Each control has its control: what to break in the code, and which test has to fail then.

`test_controls` breaks them one by one in a copy of the package, and docs/threat-model.md tells of it.
"""

# ruff: noqa: E501  rows of a table

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Control:
    """One protection, how it is switched off, and the test that notices."""

    what: str
    file: str  # below pipeline/stablecast
    on: str  # stands once in that file
    off: str
    test: str  # below tests/


CONTROLS = (
    Control("no socket in the decoder", "tools/ffmpeg.py", "        without_network()\n", "        pass\n", "test_ingest.py::test_a_child_of_ours_cannot_open_a_socket"),
    Control("a link is not followed", "tools/ffmpeg.py", "os.O_RDONLY | os.O_NOFOLLOW |", "os.O_RDONLY |", "adversarial/test_hostile.py::test_what_is_no_plain_file_is_refused_at_once"),
    Control("a pipe makes nobody wait", "tools/ffmpeg.py", "os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY", "os.O_CLOEXEC | os.O_NOCTTY", "adversarial/test_hostile.py::test_what_is_no_plain_file_is_refused_at_once"),
    Control("a failing medium is a refusal", "tools/containers.py", "    except OSError:  # /proc", "    except ZeroDivisionError:  # /proc", "test_containers.py::test_a_medium_that_fails_is_told_in_a_sentence"),
    Control("samples that are no sound are refused", "stages/ingest.py", "if not np.abs(block).max() <= params.max_peak:", "if False:", "adversarial/test_hostile.py::test_what_is_no_sound_is_refused"),
    Control("decoding ends at the longest duration", "stages/ingest.py", "if length > params.max_duration_s * params.rate_hz:", "if False:", "adversarial/test_hostile.py::test_a_bomb_is_stopped_at_the_limit_of_the_settings"),
    Control("a refused recording leaves nothing", "studio/intake.py", "    except BaseException:\n        _clear(show.workspace, slug)\n        raise", "    except BaseException:\n        raise", "adversarial/test_hostile.py::test_what_is_no_sound_is_refused"),
    Control("onnxruntime is told not to report", "__init__.py", 'os.environ["ORT_DISABLE_TELEMETRY"] = "1"', 'os.environ.pop("ORT_DISABLE_TELEMETRY", None)', "adversarial/test_quiet.py::test_no_library_keeps_an_id_of_this_machine"),
    Control("files for their owner alone", "store/files.py", "PRIVATE_FILE = 0o600", "PRIVATE_FILE = 0o644", "test_files.py"),
    Control("a sealed file is bound to its place", "store/seal.py", "if not head.startswith(expected):", "if False:", "test_seal.py::test_a_file_from_another_place_is_refused"),
    Control("verify compares what people wrote", "studio/checking.py", "if not path.exists() or seal.fingerprint(path) != record.inputs[name].sealed:", "if False:", "adversarial/test_at_rest.py::test_an_older_version_is_never_taken_for_the_new_one"),
    Control("a result is compared with its receipt", "runner.py", "if not path.exists() or seal.fingerprint(path) != sealed:", "if False:", "adversarial/test_at_rest.py::test_an_older_version_is_never_taken_for_the_new_one"),
    Control("a damaged episode stops no other", "studio/making.py", "            except IntegrityFailure as broken:", "            except ZeroDivisionError as broken:", "adversarial/test_at_rest.py::test_a_damaged_episode_does_not_stop_the_others[tracks]"),
    Control("the log is a chain", "engine/audit.py", "        if entry != expected:", "        if False:", "adversarial/test_at_rest.py::test_a_forged_log_is_found[edited]"),
    Control("the log's head is kept elsewhere", "studio/checking.py", "    if head and head not in hashes:", "    if False:", "adversarial/test_at_rest.py::test_a_show_put_back_whole_is_found"),
    Control("every approval is in the log", "studio/checking.py", "approval.account, approval.digest) not in logged:", "approval.account, approval.digest) not in logged and False:", "adversarial/test_at_rest.py::test_a_forged_log_is_found[an approval nobody gave]"),
    Control("the voice models by their digest", "tools/models.py", "if hashlib.sha256(data).hexdigest() != SHIPPED_SHA256:", "if False:", "adversarial/test_supply.py::test_a_model_that_is_another_one_is_never_opened[voice: one bit]"),
    Control("the cohort by its digest", "tools/verifier.py", "    if hashlib.sha256(data).hexdigest() != digest:", "    if False:", "adversarial/test_supply.py::test_a_model_that_is_another_one_is_never_opened[cohort: one bit]"),
    Control("no module out of the folder one is in", "__main__.py", "if not sys.flags.safe_path:", "if False:", "adversarial/test_supply.py::test_nothing_is_run_out_of_the_folder_somebody_works_in[module]"),
    Control("no ffmpeg out of the folder one is in", "tools/ffmpeg.py", "if Path(place).is_absolute()]", "]", "adversarial/test_supply.py::test_nothing_is_run_out_of_the_folder_somebody_works_in[module]"),
    Control("brackets too deep are refused", "store/settings.py", "    except RecursionError:", "    except ZeroDivisionError:", "adversarial/test_fuzz.py::test_what_was_found_once_is_not_found_again[show.toml]"),
    Control("a cooling-off time", "engine/workflow.py", "    if wait > timedelta(0):", "    if False:", "adversarial/test_faults.py::test_a_clock_that_moves_brings_nothing_nearer"),
    Control("one writer at a time", "store/locks.py", "                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "                pass\n", "adversarial/test_faults.py::test_a_lock_ends_with_who_holds_it"),
    Control("a write is whole or not at all", "store/files.py", "            temporary.replace(path)\n", "            path.write_bytes(temporary.read_bytes()[:40])\n            temporary.unlink()\n", "test_crash.py::test_killed_at_any_moment_the_record_is_the_old_or_the_new_one"),
    Control("the public tree is exchanged in one step", "targets/local.py", "    if _exchanged_at_once(new, old):\n        return\n", "", "test_local_target.py::test_a_reader_never_sees_anything_between"),
    Control("what is a remainder of the voice is refused", "stages/attack.py", "        under.found >= params.residue,", "        False,", "test_attack.py::test_three_per_cent_of_the_original_is_found_under_a_new_voice"),
    Control("what was taken out is silent", "stages/attack.py", "                return True\n        at +=", "                return False\n        at +=", "test_attack.py::test_a_place_where_words_were_taken_out_is_silent"),
)  # fmt: skip
