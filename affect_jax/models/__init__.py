"""Networks: encoders of modalities, a head per task, pretrained weights."""
