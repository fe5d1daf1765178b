"""The bundled demo network: a small YOLOX that finds the people in `models.scenes`, and how it came to be.

`python -m icraft_adapt.models.demo.train` draws scenes, trains, and writes demo_person.onnx with its figures in
demo_person.json. Only `train` and what it trains with need torch; `films` and `score` do not.
"""
