"""Subtitles: words, and when they are said."""

import pytest

from affect_jax.errors import UserError
from affect_jax.predict.spoken import recordings
from affect_jax.predict.spoken import subtitles
from affect_jax.predict.spoken.subtitles import Cue

SRT = """1
00:00:01,500 --> 00:00:02,750 X1:100
<i>Two lines</i>
{\\an8}of

words

2
01:00:00,000 --> 01:00:01,000

3
00:00:00,000 --> 00:00:01,000
&amp; so
"""
VTT = """WEBVTT - a title
Kind: captions

NOTE nobody
reads this

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 align:start
<v.loud Ann Lee>I <b>see</b></v>

00:00:03.000 --> 00:00:04.000
<v Ann>Yes <v Ben>No
"""
LABELS = '0.5\t1.25\tI see\n\\\t10\t20\n2,5 3 so\n4\t5\n'


def test_srt_has_times_and_words_without_tags(tmp_path):
  path = tmp_path / 'a.srt'
  path.write_bytes(SRT.replace('\n', '\r\n').encode('utf-8-sig'))
  expected = [
    Cue(0, 1, '& so'),
    Cue(1.5, 2.75, 'Two lines of words'),
    Cue(3600, 3601, ''),
  ]
  assert subtitles.read(path) == expected
  path.write_text(SRT, 'utf-16')
  assert subtitles.read(path) == expected
  path.write_bytes(SRT.replace('so', 'caf\u00e9').encode('cp1252'))
  assert subtitles.read(path)[0].text == '& caf\u00e9'


def test_vtt_has_notes_names_and_speakers(tmp_path):
  path = tmp_path / 'a.vtt'
  path.write_text(VTT)
  assert subtitles.read(path) == [
    Cue(1, 2.5, 'I see', 'Ann Lee'),
    Cue(3, 4, 'Yes No', ''),
  ]


def test_labels_of_audacity_have_seconds(tmp_path):
  path = tmp_path / 'a.txt'
  path.write_text(LABELS)
  assert subtitles.read(path) == [
    Cue(0.5, 1.25, 'I see'),
    Cue(2.5, 3, 'so'),
    Cue(4, 5, ''),
  ]


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    ('a.srt', '1\n00:00:02,0 --> 00:00:01,0\nx\n', ':2: the end, 1 s, must be'),
    ('a.srt', '1\n00:02 --> 3\nx\n', ":2: '00:02 --> 3' must be two times"),
    ('a.srt', 'Hello.\nYou.\n', ":1: 'Hello.' is followed by no times"),
    (
      'a.srt',
      '00:01,0 --> 00:02,0\nx\n2\n00:03,0 --> 00:04,0\ny\n',
      ':4: an empty line is missing between the cue of line 1',
    ),
    ('a.srt', '', 'no words with times'),
    ('a.txt', '1 2 a\nb\n', ":2: 'b' must be start and end in seconds"),
    ('a.txt', '\0', 'is no text'),
    ('a.doc', '', r'subtitles end with .srt'),
  ],
)
def test_mistakes_are_named_by_line(tmp_path, name, content, message):
  (tmp_path / name).write_text(content)
  with pytest.raises(UserError, match=message):
    subtitles.read(tmp_path / name)
  with pytest.raises(UserError, match='no such file of subtitles'):
    subtitles.read(tmp_path / 'gone.srt')


def test_subtitles_beside_a_recording_are_found(tmp_path):
  video = tmp_path / 'clip [1].mp4'
  assert subtitles.beside(video) is None
  (tmp_path / 'clip [1].txt').write_text('')
  (tmp_path / 'clip [1] more.srt').write_text('')
  assert subtitles.beside(video) is None
  (tmp_path / 'clip [1].en.vtt').write_text('')
  assert subtitles.beside(video) == tmp_path / 'clip [1].en.vtt'
  (tmp_path / 'clip [1].de.srt').write_text('')
  with pytest.raises(UserError, match=r'de\.srt, .*en\.vtt.*--subtitles'):
    subtitles.beside(video)
  (tmp_path / 'clip [1].srt').write_text('')
  assert subtitles.beside(video) == tmp_path / 'clip [1].srt'


def test_windows_have_the_words_whose_middle_is_in_them():
  cues = [Cue(0, 3, 'a', 'Ann'), Cue(1, 4, 'b', 'Ann'), Cue(4, 5, 'c', 'Ben')]
  assert recordings.windows(5.0, 2.0, cues) == [
    Cue(0, 2, 'a', 'Ann'),
    Cue(2, 4, 'b', 'Ann'),
    Cue(4, 5, 'c', 'Ben'),
  ]
  # A rounded length makes no window of its own.
  assert len(recordings.windows(4.005, 2.0, [])) == 2
