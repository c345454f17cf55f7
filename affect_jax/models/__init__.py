"""Networks: encoders by modality, one head per task, foreign weights."""
