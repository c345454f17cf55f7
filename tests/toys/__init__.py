"""What tests share: miniatures of corpora, models and runs."""
