"""The figures of the profiles, their sources and their limits, as Markdown."""

from dataclasses import fields

from markdown_table import table
from pump_sim.model.profile import Profile, load_profile, profile_names


def figures() -> str:
    """Every figure of every profile that comes with the package, with its source."""
    profiles = {name: load_profile(name) for name in profile_names()}
    rows = []
    for each in fields(Profile):
        if not each.metadata:
            continue
        sources = dict.fromkeys(profile.sources[each.name] for profile in profiles.values())
        values = [f"{getattr(profile, each.name):,}" for profile in profiles.values()]
        rows.append((f"`{each.name}`", *values, each.metadata["unit"], "; ".join(sources)))
    models = [f"`{name}` ({profile.model})" for name, profile in profiles.items()]
    return table(("figure", *models, "unit", "source"), rows)


def limits() -> str:
    """Within which limits a profile of one's own may give each figure."""
    return table(
        ("figure", "smallest", "largest", "unit"),
        (
            (
                f"`{each.name}`",
                f"{each.metadata['minimum']:,}",
                f"{each.metadata['maximum']:,}",
                each.metadata["unit"],
            )
            for each in fields(Profile)
            if each.metadata
        ),
    )
