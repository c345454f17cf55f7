"""CSVs of OpenFace and py-feat in miniature."""

OPENFACE = (
  'frame, face_id, timestamp, confidence, success, gaze_0_x, gaze_angle_x, '
  'gaze_angle_y, pose_Tx, pose_Rx, pose_Ry, pose_Rz, AU01_r, AU12_r, AU12_c'
)
NAMES = ('gaze_angle_x', 'gaze_angle_y', 'pose_Rx', 'pose_Ry', 'pose_Rz')
NAMES += ('AU01_r', 'AU12_r')
PY_FEAT = (
  'FaceRectX,FaceScore,x_0,Pitch,Roll,Yaw,AU01,AU12,happiness,gaze_pitch,'
  'gaze_yaw,Identity,input,frame'
)


def openface(frame, value, *, face=0, confidence=0.98, success=1):
  """A row whose columns are value, value + 1, ..."""
  cells = [frame, face, frame / 30, confidence, success]
  cells += [value + k for k in range(10)]
  return ', '.join(str(c) for c in cells)


def py_feat(frame, value, *, score=0.9, who='Person_0'):
  cells = [100, score, *(value + k for k in range(9)), who, 'a.mp4', frame]
  return ','.join(str(c) for c in cells)


NOBODY = ',,,,,,,,,,,,a.mp4,{}'


def write(tmp_path, header, *rows):
  path = tmp_path / 'faces.csv'
  path.write_text('\n'.join([header, *rows]) + '\n')
  return path
