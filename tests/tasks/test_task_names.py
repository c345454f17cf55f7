"""Names of expressions and action units, in every spelling."""

import pytest

from affect_jax.tasks import action_units
from affect_jax.tasks import expression


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('Happy', 'happiness'),
    ('joy', 'happiness'),
    ('ANGRY', 'anger'),
    (' sad ', 'sadness'),
    ('surprised', 'surprise'),
    ('Fearful', 'fear'),
    ('afraid', 'fear'),
    ('disgusted', 'disgust'),
    ('calm', 'neutral'),
    ('Contempt', 'contempt'),
    ('Other', 'other'),
  ],
)
def test_expression_names(name, expected):
  assert expression.canonical_name(name) == expected
  assert expression.canonical_name(expected) == expected


def test_unknown_expression_lists_the_known():
  with pytest.raises(ValueError, match=r"'bored'; known: .*happiness \(happy"):
    expression.canonical_name('bored')


def test_no_synonym_is_ambiguous():
  spelled = [n for k, v in expression.SYNONYMS.items() for n in (k, *v)]
  assert len(set(spelled)) == len(spelled)
  assert set(expression.AFFWILD2_8) | {'contempt'} == set(expression.SYNONYMS)


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('AU1', 'AU1'),
    ('au01', 'AU1'),
    ('AU_1', 'AU1'),
    (' AU01_c', 'AU1'),
    ('AU-26', 'AU26'),
    ('AU 10', 'AU10'),
    ('AU12R', 'AU12R'),
    ('au_06l_c', 'AU6L'),
  ],
)
def test_action_unit_names(name, expected):
  assert action_units.canonical_name(name) == expected


@pytest.mark.parametrize('name', ['AU0', 'AU01_r', '1', 'AU', 'AU65', 'AU123'])
def test_unknown_action_units(name):
  with pytest.raises(ValueError, match=f'action unit {name!r}; known: AU1'):
    action_units.canonical_name(name)


def test_constants_are_canonical():
  for units in (
    action_units.AFFWILD2_12,
    action_units.AFFWILD2_8,
    action_units.DISFA_12,
    action_units.DISFA_8,
    action_units.EMOTIONET_12,
  ):
    assert action_units.build(outputs=units).outputs == units
  assert len(action_units.AFFWILD2_12) == 12
  for classes in (
    expression.BASIC_7,
    expression.AFFWILD2_8,
    expression.AFFECTNET_8,
  ):
    assert expression.build(outputs=classes).outputs == classes
