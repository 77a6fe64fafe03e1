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
    seen: str = ""  # what is raised then, where no assertion of the test fails


CONTROLS = (
    Control("no socket in the decoder", "tools/ffmpeg.py", "        without_network()\n", "        pass\n", "test_ingest.py::test_a_child_of_ours_cannot_open_a_socket"),
    Control("a link is not followed", "tools/ffmpeg.py", "os.O_RDONLY | os.O_NOFOLLOW |", "os.O_RDONLY |", "adversarial/test_hostile.py::test_what_is_no_plain_file_is_refused_at_once"),
    Control("a pipe makes nobody wait", "tools/ffmpeg.py", "os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY", "os.O_CLOEXEC | os.O_NOCTTY", "adversarial/test_hostile.py::test_what_is_no_plain_file_is_refused_at_once"),
    Control("a failing medium is a refusal", "tools/containers.py", "    except OSError:  # /proc", "    except ZeroDivisionError:  # /proc", "test_containers.py::test_a_medium_that_fails_is_told_in_a_sentence", "OSError: [Errno 5]"),
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
    Control("brackets too deep are refused", "store/settings.py", "    except RecursionError:", "    except ZeroDivisionError:", "adversarial/test_fuzz.py::test_what_was_found_once_is_not_found_again[show.toml]", "RecursionError"),
    Control("a cooling-off time", "engine/workflow.py", "    if wait > timedelta(0):", "    if False:", "adversarial/test_faults.py::test_a_clock_that_moves_brings_nothing_nearer"),
    Control("one writer at a time", "store/locks.py", "                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "                pass\n", "adversarial/test_faults.py::test_a_lock_ends_with_who_holds_it"),
    Control("a write is whole or not at all", "store/files.py", "            temporary.replace(path)\n", "            path.write_bytes(temporary.read_bytes()[:40])\n            temporary.unlink()\n", "test_crash.py::test_killed_at_any_moment_the_record_is_the_old_or_the_new_one", "format: is missing"),
    Control("the public tree is exchanged in one step", "targets/local.py", "    if _exchanged_at_once(new, old):\n        return\n", "", "test_local_target.py::test_a_reader_never_sees_anything_between"),
    Control("what is a remainder of the voice is refused", "stages/attack.py", "        under.found >= params.residue,", "        False,", "test_attack.py::test_three_per_cent_of_the_original_is_found_under_a_new_voice"),
    Control("what was taken out is silent", "stages/attack.py", "                return True\n        at +=", "                return False\n        at +=", "test_attack.py::test_a_place_where_words_were_taken_out_is_silent"),
    Control("a protected word in the finished file closes the gate", "stages/prove.py", "    return [place for place in said if not any(_meet(place, other) for other in excused)]\n", "    return []\n", "test_prove.py::test_a_protected_word_anywhere_fails", "not enough values to unpack (expected 1, got 0)"),
    Control("a marked word heard near its place closes the gate", "stages/prove.py", "    if span.cause is not Cause.PERSON:\n        return ()\n    return tuple(text", "    return ()\n    return tuple(text", "test_prove.py::test_a_marked_word_fails_near_its_place_only"),
    Control("a scrap beside a removal closes the gate", "stages/prove.py", "    for first, last in remains(", "    for first, last in () and remains(", "test_prove.py::test_a_scrap_of_what_was_removed_closes_the_gate"),
    Control("a file nobody understands proves nothing", "stages/prove.py", "    passed = share >= params.least_heard\n", "    passed = True\n", "test_prove.py::test_a_file_nobody_understands_proves_nothing"),
    Control("tags are exactly those allowed", "stages/prove.py", "        not extra and not missing,\n        _told", "        True,\n        _told", "test_prove.py::test_tags_are_exactly_those_allowed"),
    Control("no title names what was taken out", "stages/prove.py", "    looked_for = (*protected, *sorted(marked))\n", "    looked_for = ()\n", "test_prove.py::test_what_a_person_took_out_stands_in_no_title", "not enough values to unpack (expected 1, got 0)"),
    Control("the small file is the sound that was heard", "stages/prove.py", "        small.agreement >= params.least_agreement,\n", "        True,\n", "test_alternate.py"),
    Control("more goes than the word", "stages/redact.py", "    guarded = widened(span, params.guard_s)\n", "    guarded = span\n", "test_redaction.py::test_a_name_goes_with_its_guard_and_what_the_guard_touches"),
    Control("a word whose place nobody knows closes the gate", "redaction/spans.py", "                raise untimed(place)\n", "                continue\n", "test_redaction.py::test_a_name_without_a_time_closes_the_gate"),
    Control("proposals wait for an answer", "engine/workflow.py", "    if facts.proposals:\n", "    if False:\n", "test_workflow.py::test_every_gate_says_what_is_missing_and_what_to_do"),
    Control("what is proved wrong goes nowhere", "engine/workflow.py", "    if facts.problems:\n", "    if False:\n", "test_workflow.py::test_behind_every_closed_gate_publication_is_refused"),
    Control("consent to every item", "engine/workflow.py", "    missing = [item for item in NEEDED if item not in facts.consent]\n", "    missing = []\n", "test_workflow.py::test_each_item_of_consent_is_needed"),
    Control("an approval holds for one digest", "engine/workflow.py", "if a.digest == self.cut and (", "if (", "test_workflow.py::test_a_new_cut_voids_every_approval"),
    Control("people say yes in their order", "engine/workflow.py", "    if before.name != role.value:\n", "    if False:\n", "test_workflow.py::test_it_is_one_persons_turn_at_a_time"),
    Control("nobody says yes in two roles", "engine/workflow.py", "    if any(approval.account == account for approval in facts.counted):\n", "    if False:\n", "test_workflow.py::test_nobody_approves_twice_in_two_roles"),
    Control("who made a cut cannot review it", "engine/workflow.py", "    if role is Role.REVIEWER and account == facts.producer:\n", "    if False:\n", "test_workflow.py::test_who_made_a_cut_cannot_review_it"),
    Control("a hold closes every gate", "engine/workflow.py", '    if facts.held:\n        return Gate("hold"', '    if False:\n        return Gate("hold"', "test_workflow.py::test_a_hold_closes_what_is_published_as_well"),
    Control("what is published is what was approved", "stages/approve.py", "    if again != cut:\n", "    if False:\n", "test_approve.py::test_changing_any_single_bit_of_a_file_is_refused"),
    Control("three people approve", "stages/approve.py", "    if len({approval.account for approval in approvals}) != len(ORDER):\n", "    if False:\n", "test_approve.py::test_three_different_people_are_needed"),
    Control("a plain pitch shift is never published", "stages/approve.py", "    if cut.method in UNPUBLISHABLE:\n", "    if False:\n", "test_approve.py::test_a_plain_pitch_shift_is_never_approved"),
    Control("hearing counts for what was sent", "web/listening.py", "            if not all(ear.sent.holds(", "            if False and not all(ear.sent.holds(", "test_web_media.py::test_a_report_reaches_the_studio_only_when_it_can_be_true"),
    Control("hearing takes its time", "web/listening.py", "            if length_s > credit:\n", "            if False:\n", "test_web_media.py::test_what_was_heard_is_believed_where_it_can_be"),
    Control("the recogniser's weights by their digest", "tools/whisper.py", "    if hashlib.sha256(model).hexdigest() != BASE_SHA256:\n", "    if False:\n", "test_transcribe.py::test_weights_that_are_not_ours_are_never_opened"),
    Control("keys go over TLS alone", "cluster.py", "    if not params.scheduler.startswith(TLS):\n", "    if False:\n", "test_cluster.py::test_an_address_without_tls_is_refused"),
    Control("a result counts while its run lasts", "cluster.py", "    if not secrets.compare_digest(found, ticket.nonce):\n", "    if False:\n", "test_cluster.py::test_a_result_counts_only_while_its_run_lasts"),
    Control("no place in a git repository", "targets/remote.py", "    if params.scheme == \"file\" and _in_git(folder_of(params)):\n", "    if False:\n", "test_targets.py::test_a_link_does_not_lead_into_a_repository"),
    Control("the feed goes last", "engine/delivery.py", "        return (3 if path == FEED else", "        return (-1 if path == FEED else", "test_targets.py::test_a_file_is_sent_before_what_leads_to_it"),
    Control("only what we put there is deleted", "engine/delivery.py", "        delete=tuple(sorted(ours.keys() - wanted.keys())),\n", "        delete=tuple(sorted(there.keys() - wanted.keys())),\n", "test_targets.py::test_a_plan_makes_the_place_as_wanted_and_touches_nothing_else"),
)  # fmt: skip
