"""What `make check` asks of schema.graphql: the rules, and that nobody who uses it is broken unawares."""

import os
import subprocess
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
_NODE = '"""a""" interface Node { """a""" id: ID! }'
_PAGE_INFO = '''"""a""" type PageInfo {
  """a""" hasNextPage: Boolean! """a""" hasPreviousPage: Boolean! """a""" startCursor: String """a""" endCursor: String
}'''
_HEADING = "### Breaking changes of the schema"

type Check = Callable[[Path], int]


def _script(name: str) -> Check:
    """The `main` of a script, run in this process: it starts much quicker."""
    loader = SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    main: Check = module.main
    return main


_lint, _breaks = _script("lint-schema"), _script("breaking-changes")


def _page(
    edges: str = "[AEdge]", info: str = "PageInfo!", node: str = "Int", arguments: str = "first: Int, after: String"
) -> str:
    described = ", ".join(f'"""a""" {argument}' for argument in arguments.split(", "))
    return f'''{_PAGE_INFO} """a""" type Query {{ """a""" b({described}): AConnection }}
    """a""" type AEdge {{ """a""" node: {node} """a""" cursor: String! }}
    """a""" type AConnection {{ """a""" edges: {edges} """a""" pageInfo: {info} }}'''


def _with_mutation(field: str, answer: str = '"""a""" type BPayload { """a""" c: Int }') -> str:
    return f'''"""a""" type Query {{ """a""" c: Int }} """a""" input BInput {{ """a""" c: Int }} {answer}
    """a""" type Mutation {{ """a""" {field} }}'''


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('type Query { """a""" b: Int }', "require-description: Query has no description"),
        ('"""a""" type Query { b: Int }', "require-description: Query.b has no description"),
        ('"""a""" type Query { """a""" b(c: Int): Int }', "require-description: Query.b(c:) has no description"),
        ('"""a""" type Query { """a""" b: C } """a""" enum C { D }', "require-description: C.D has no description"),
        ('"""a""" type Query { """a""" b: Int } directive @c on FIELD', "require-description: @c has no description"),
        (
            '"""a""" type Query { """a""" b: my_type } """a""" scalar my_type',
            "naming-convention: my_type is not in PascalCase",
        ),
        ('"""a""" type Query { """a""" b_c: Int }', "naming-convention: Query.b_c is not in camelCase"),
        (
            '"""a""" type Query { """a""" b: C } """a""" enum C { """a""" d }',
            "naming-convention: C.d is not in UPPER_CASE",
        ),
        ('"""a""" type Query { """a""" queryKind: Int }', "no-typename-prefix: Query.queryKind repeats"),
        ('"""a""" type Query { """a""" b: C } """a""" type C { """a""" id: ID! }', "strict-id-in-types: C has an id"),
        (
            f'{_NODE} """a""" type Query {{ """a""" b: C }} """a""" type C {{ """a""" id: ID }}',
            "strict-id-in-types: C.id is not an ID!",
        ),
        (_page().replace("startCursor: String", "startCursor: Int"), "relay-page-info: PageInfo has other fields"),
        (_page(edges="[Int]"), "relay-connection-types: AConnection has no list of its edges"),
        (_page(info="PageInfo"), "relay-connection-types: AConnection.pageInfo is not a PageInfo!"),
        (_page(node="[Int]"), "relay-edge-types: AEdge has no node"),
        (_page().replace("cursor: String!", "cursor: Int"), "relay-edge-types: AEdge.cursor is not a String!"),
        (_page(arguments="first: Int"), "relay-arguments: Query.b is not asked for in pages"),
        (_page(arguments="first: Int, after: String, last: Int"), "relay-arguments: Query.b is not asked for in pages"),
        (
            _with_mutation('b("""a""" c: BInput!): BPayload'),
            "input-name: Mutation.b does not take `input: BInput!` alone",
        ),
        (_with_mutation('d("""a""" input: BInput!): BPayload'), "input-name: Mutation.d does not take"),
        (_with_mutation('b("""a""" input: BInput!): Int', ""), "no-scalar-result-type-on-mutation: Mutation.b"),
        (_with_mutation('b("""a""" input: BInput!): BPayload!'), "require-nullable-result-in-root: Mutation.b"),
        ('"""a""" type Query { """a""" b: Int! }', "require-nullable-result-in-root: Query.b can't be null"),
        ('"""a""" type Query { """a""" b: Int } """a""" input C { """a""" d: Int }', "no-unreachable-types: C is used"),
        ('"""a""" type Query { """a""" b: Int @deprecated }', "require-deprecation-reason: Query.b is deprecated"),
    ],
)
def test_rule_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, finding: str) -> None:
    schema = tmp_path / "schema.graphql"
    schema.write_text(text, encoding="utf-8")
    assert _lint(schema) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(finding)], lines


def test_rules_pass_what_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = tmp_path / "schema.graphql"
    for text in (
        _page(),
        _page(arguments="first: Int, after: String, last: Int, before: String"),
        _with_mutation('b("""a""" input: BInput!): BPayload'),
        '"""a""" type Query { """a""" b: Dream } """a""" type Dream { """a""" dreamedAt: Int }',
        '"""a""" type Query { """a""" b: Int @deprecated(reason: "c") }',
    ):
        schema.write_text(text, encoding="utf-8")
        assert (_lint(schema), capsys.readouterr().out) == (0, "")


def test_schema_of_this_repository_keeps_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert (_lint(ROOT / "schema.graphql"), capsys.readouterr().out) == (0, "")


class Repository:
    """One with a schema, and a changelog."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> None:
        who = {f"GIT_{role}_{what}": f"ada@{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        command = ["git", "-C", str(self.root), *arguments]
        subprocess.run(command, check=True, capture_output=True, env={**alone, **who})  # noqa: S603 - fixed words

    def write(self, fields: str, changelog: str = "") -> None:
        (self.root / "schema.graphql").write_text(f"type Query {{ {fields} }}", encoding="utf-8")
        (self.root / "CHANGELOG.md").write_text(changelog, encoding="utf-8")

    def commit(self, fields: str, changelog: str = "") -> None:
        self.write(fields, changelog)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=a")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.commit("a: Int b: Int")
    return made


def test_break_is_found_before_it_is_committed(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert _breaks(repository.root) == 0
    repository.write("a: Int")
    assert _breaks(repository.root) == 1
    assert "- Field Query.b was removed.\n" in capsys.readouterr().out


def test_break_is_found_in_the_commit_that_holds_it(repository: Repository) -> None:
    repository.commit("a: Int")
    repository.git("commit", "--quiet", "--allow-empty", "--message=another")
    assert _breaks(repository.root) == 1


def test_break_is_found_in_any_commit_of_a_branch(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "mine")
    repository.commit("a: Int")
    repository.commit("a: Int c: Int")
    assert _breaks(repository.root) == 1


def test_break_is_found_in_the_merge_that_lets_it_in(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "mine")
    repository.commit("a: Int")
    repository.commit("a: Int c: Int")
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message=a", "mine")
    assert _breaks(repository.root) == 1


def test_what_main_has_gained_since_is_no_break_of_a_branch(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "mine")
    repository.commit("a: Int b: Int c: Int")
    repository.git("switch", "--quiet", "main")
    repository.commit("a: Int b: Int d: Int")
    repository.git("switch", "--quiet", "mine")
    assert _breaks(repository.root) == 0


@pytest.mark.parametrize("release", ["", "\n## [1.0.0]\n"])
def test_break_that_the_changelog_lists_is_let_through(repository: Repository, release: str) -> None:
    listed = f"# Changelog\n\n## [Unreleased]\n{release}\n{_HEADING}\n\n- Field Query.b was removed.\n\n## [0.1.0]\n"
    repository.commit("a: Int", listed)
    assert _breaks(repository.root) == 0


@pytest.mark.parametrize(
    "changelog",
    [
        f"## [Unreleased]\n{_HEADING}\n- Field Query.c was removed.\n",
        "## [Unreleased]\n### Removed\n- Field Query.b was removed.\n",
        f"## [Unreleased]\n{_HEADING}\n### Removed\n- Field Query.b was removed.\n",
        f"## [Unreleased]\n## [2.0.0]\n## [1.0.0]\n{_HEADING}\n- Field Query.b was removed.\n",
    ],
)
def test_break_that_is_listed_otherwise_is_not(repository: Repository, changelog: str) -> None:
    repository.commit("a: Int", changelog)
    assert _breaks(repository.root) == 1


def test_without_a_history_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text("type Query { a: Int }", encoding="utf-8")
    assert _breaks(tmp_path) == 0
