"""Draw the boxes of two lines of digits on dotted paper in shadow."""

from lenetkit import Pipeline
from lenetkit.synthesis import draw_number, draw_paper

number = draw_number("1947\n80352", seed=4)
paper = draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4)
Pipeline.pretrained().read_number(number.on(paper)).plot()
