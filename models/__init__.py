"""Reference networks and their ONNX exporters: with retrain/, the only home of torch.

`yolox.build` makes a YOLOX with seeded, non-degenerate weights; `export.export` writes it as ONNX in the
spellings found in the wild; `export.exported` does both and remembers the bytes.
"""
