from dmg_jax.report.scores.labels import shorten


def test_what_all_labels_share_is_said_once():
  short, shared = shorten(
    [
      ("dmg", "DMG (lam 0.5, discount 0.9)"),
      ("dmg", "DMG (discount 0.9)"),
      ("iql", "IQL (discount 0.9)"),
    ]
  )
  assert short == {
    "DMG (lam 0.5, discount 0.9)": "DMG (lam 0.5)",
    "DMG (discount 0.9)": "DMG",
    "IQL (discount 0.9)": "IQL",
  }
  assert shared == "discount 0.9"


def test_a_field_without_effect_keeps_nothing_apart():
  """Cloning has no discount; its own labels cannot tell of one."""
  labelled = [("dmg", "DMG (discount 0.9)"), ("bc", "BC")]
  assert shorten(labelled) == ({"DMG (discount 0.9)": "DMG", "BC": "BC"}, "discount 0.9")
  # DMG without the setting is at another discount.
  apart = [("dmg", "DMG (discount 0.9)"), ("dmg", "DMG")]
  assert shorten(apart) == ({label: label for _, label in apart}, "")


def test_a_single_label_stays_as_it_is():
  assert shorten([("dmg", "DMG (lam 0.5)")] * 2) == ({"DMG (lam 0.5)": "DMG (lam 0.5)"}, "")
