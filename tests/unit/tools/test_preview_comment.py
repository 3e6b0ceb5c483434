# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.previews import PLANTED, VECTORS, many
from tools.preview_comment import LIMIT, MARKER, code, comment, main, text
from tools.preview_document import Preview, read_preview


def recorded(stack: str, name: str) -> Preview:
    return read_preview(stack, (VECTORS / f"{name}.json").read_text())


def test_no_changes_are_said_in_plain_words() -> None:
    made = comment([recorded("dev", "no-changes")])
    assert made.startswith(MARKER)
    assert "| dev | · | · | · | · | 31 | nothing to do |" in made
    assert "Nothing to do: 31 resources are as the program wants them." in made
    assert "CAUTION" not in made


def test_a_first_deployment_lists_what_is_created() -> None:
    made = comment([recorded("dev", "first-deployment")])
    assert "| dev | 3 | · | · | · | · |" in made
    assert "| + create | `topictest` confluentcloud KafkaTopic |" in made
    assert "CAUTION" not in made


def test_one_changed_topic_is_one_path_with_both_values() -> None:
    made = comment([recorded("staging", "one-topic-changed")])
    path = 'services["orders"].routes["in"].plugins["kafka-upstream"].config.topic'
    assert f"`{path}`: `orders` → `orders.v2`" in made
    assert "1 to update" in made


def test_a_secret_is_masked_even_where_the_engine_did_not_mark_it() -> None:
    made = comment([recorded("staging", "one-topic-changed")])
    assert PLANTED not in made
    assert "authentication.password`: `[secret]` changed" in made


def test_a_replaced_cluster_comes_first_and_loud() -> None:
    made = comment([recorded("dev", "no-changes"), recorded("prod", "cluster-replaced")])
    loud, rest = made.split("| environment |", 1)
    assert "> [!CAUTION]" in loud
    assert "prod: **REPLACED** `cluster` confluentcloud KafkaCluster, because of `region`" in loud
    assert "(protected: the update will refuse)" in loud
    assert "prod: **DELETED** `audit`" in loud
    assert "`region`: `us-east-2` → `us-west-2` **forces replacement**" in rest
    assert "`kafkaCluster.id`: `lkc-1` → `(known after apply)`" in rest
    assert "| prod | · | 1 | 2 | 1 | 36 | **would lose data** |" in rest
    assert "Warning: cluster lkc-1 could not be reached" in rest


def test_a_failed_preview_is_said_and_its_message_shown() -> None:
    made = comment([recorded("prod", "failed")])
    assert "**the preview failed**" in made
    assert "What would happen to this environment is not known" in made
    assert "allowed: us-east-1, us-east-2" in made


def test_a_message_cannot_end_the_block_that_it_stands_in() -> None:
    made = comment([recorded("prod", "failed")])
    opened = made.index("````text")
    closed = made.index("\n````\n", opened)
    assert opened < made.index("<script>") < closed


def test_five_hundred_changes_fit_and_the_rest_is_counted() -> None:
    big = read_preview("dev", json.dumps(many(500)))
    made = comment([big, recorded("prod", "cluster-replaced"), recorded("staging", "failed")])
    assert len(made.encode()) <= LIMIT
    assert "500 to update" in made
    assert "more, left out to keep the comment within its size limit." in made
    assert "**REPLACED** `cluster`" in made
    assert "**The preview failed.**" in made
    assert made.count("<details") == made.count("</details>")


def test_even_an_absurd_limit_is_kept() -> None:
    made = comment([read_preview("dev", json.dumps(many(50)))], limit=300)
    assert len(made.encode()) <= 300
    assert "cut here" in made


@pytest.mark.parametrize(
    ("document", "log", "exit_code", "said"),
    [
        ("", "error: no stack named 'x'", 6, "no stack named 'x'"),
        ('{"steps": [', "", 255, '{"steps": ['),
        ("", "", 137, "pulumi ended with code 137 and said nothing"),
        ("[]", "", 0, "not one of `pulumi preview --json`"),
        ('{"steps": []}', "\x1b[31merror:\x1b[0m locked", 1, "error: locked"),
    ],
)
def test_a_preview_without_a_document_is_a_failed_one(
    document: str, log: str, exit_code: int, said: str
) -> None:
    preview = read_preview("dev", document, log, exit_code)
    assert preview.failed
    assert said in comment([preview])


def test_names_can_neither_break_the_table_nor_mention_anybody() -> None:
    assert code("a`b|c\nd") == "`a'b\\|c d`"
    assert text("<b>@team|x") == "&lt;b&gt;@<!-- -->team\\|x"


def test_the_command_reads_log_and_exit_code_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text((VECTORS / "no-changes.json").read_text())
    (tmp_path / "prod.log").write_text("error: could not decrypt the stack's secrets")
    (tmp_path / "prod.exit").write_text("255\n")
    output = tmp_path / "comment.md"
    stacks = [f"{stack}={tmp_path / stack}.json" for stack in ("dev", "prod")]
    assert main([*stacks, "--output", str(output)]) == 0
    made = output.read_text()
    assert "nothing to do" in made
    assert "could not decrypt" in made


def test_what_a_policy_refuses_is_said_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "prod.json").write_text((VECTORS / "first-deployment.json").read_text())
    (tmp_path / "prod.exit").write_text("1\n")
    said = "Policies:\n  - [mandatory]  private-endpoint  (eks:index:Cluster: cluster)\n    True\n"
    (tmp_path / "prod.policies").write_text(said)
    output = tmp_path / "comment.md"
    main([f"prod={tmp_path / 'prod.json'}", "--output", str(output)])
    made = output.read_text()
    assert "**refused by a policy**" in made
    assert "[mandatory]  private-endpoint" in made
    assert "The preview failed" not in made
    assert "3 to create" in made


def test_drift_is_no_failed_preview() -> None:
    document = (VECTORS / "one-topic-changed.json").read_text()
    preview = read_preview("dev", document, "error: no changes were expected", exit_code=7)
    assert not preview.failed
    assert "1 to update" in comment([preview])


def test_an_argument_that_is_no_pair_is_refused() -> None:
    with pytest.raises(SystemExit, match="STACK=FILE"):
        main(["dev.json"])
