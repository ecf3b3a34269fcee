"""Profiles: what the package brings, and what is said of a file that is not right."""

from pathlib import Path

import pytest

from pump_sim.model.profile import ProfileError, load_profile, profile_names

SHIPPED = Path(__file__).parents[3] / "pump_sim/pump_sim/model/profiles"


def test_the_package_brings_a_20_ml_and_a_40_ml_pump() -> None:
    """They differ in what they hold, and in nothing that they do."""
    assert profile_names() == ("pump-20ml", "pump-40ml")
    small, large = map(load_profile, profile_names())
    assert (small.capacity_nl, large.capacity_nl) == (20_000_000, 40_000_000)
    assert small.max_low_reservoir_threshold_nl == small.capacity_nl // 2
    assert large.max_low_reservoir_threshold_nl == large.capacity_nl // 2
    assert small.service_life_ms == large.service_life_ms == 84 * 2_629_800_000


@pytest.mark.parametrize("name", ["pump-20ml", "pump-40ml"])
def test_every_figure_names_a_source_or_says_that_it_has_none(name: str) -> None:
    """A believed figure ships as "unverified" and never as a claim (domain.md, evidence tags)."""
    profile = load_profile(name)
    figures = {key for key in profile.__dataclass_fields__ if key not in {"model", "sources"}}
    assert profile.sources.keys() == figures
    for source in profile.sources.values():
        assert source.startswith(("P", "unverified", "derived"))
    assert profile.sources["max_rate_nl_per_day"].startswith("unverified")
    assert "VP-" in profile.model


def test_a_profile_is_loaded_from_any_path(tmp_path: Path) -> None:
    """A file of one's own is as good as a shipped one."""
    text = (SHIPPED / "pump-20ml.toml").read_text("utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('"VP-20"', '"Mine"'), "utf-8")
    assert load_profile(path).model == "Mine"
    assert load_profile(str(path)).capacity_nl == 20_000_000


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("20_000_000", "20", "capacity_nl = 20: allowed are 1000000..100000000 nL"),
        ("20_000_000", "2e7", "capacity_nl = 20000000.0: allowed are"),
        ("20_000_000", "true", "capacity_nl = True: allowed are"),
        ("capacity_nl", "capacity_ml", "capacity_ml is not a figure|capacity_nl is missing"),
        ('"VP-20"', "20", "model: a name of 1..32 bytes is needed, not 20"),
        ("{ value = 6_000", "{ valve = 6_000", "minimum_rate_nl_per_day: { value = "),
        ("value = 6_000,", "value = 60_000,", "minimum_rate_nl_per_day = 60000: allowed are 0"),
        ('source = "unverified: 0.006 mL/day"', 'source = ""', "a source is needed"),
        ("model", "= model", "Invalid statement"),
    ],
)
def test_a_bad_profile_is_refused_by_file_key_and_range(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    """Whoever wrote it can tell from the message what to write instead."""
    text = (SHIPPED / "pump-20ml.toml").read_text("utf-8")
    body = text[text.index("model =") :]
    path = tmp_path / "bad.toml"
    path.write_text(body.replace(old, new, 1), "utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert str(path) in str(caught.value)
    assert any(each in str(caught.value) for each in says.split("|"))


def test_an_unknown_profile_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    """And a folder or a file of bytes is not a profile either."""
    with pytest.raises(ProfileError, match="no profile pump-30ml: give pump-20ml, pump-40ml or"):
        load_profile("pump-30ml")
    with pytest.raises(ProfileError):
        load_profile(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError):
        load_profile(tmp_path / "bytes")
