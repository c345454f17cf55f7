"""Augmentation of training pictures, and mixup."""
