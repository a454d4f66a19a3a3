"""Draw what every stage makes of a digit on ruled paper in shadow."""

from lenetkit import Pipeline
from lenetkit.synthesis import draw_number, draw_paper

number = draw_number("4", height=150, style="continental", seed=2)
paper = draw_paper(300, 300, ruling="ruled", pitch=60, shadow=0.5, noise=4, seed=2)
rows, columns = (slice(40, 40 + length) for length in number.image.shape)
paper[rows, columns] = number.on(paper[rows, columns].copy())
Pipeline.pretrained().trace(paper).plot()
