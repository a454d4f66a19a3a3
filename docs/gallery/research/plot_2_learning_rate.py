"""
Find a learning rate
====================

With too small a rate the network learns nothing; with too large a rate training diverges. A
test of rising rates for a few steps shows both limits before training.
"""

from matplotlib import pyplot as plt

from lenetkit import Trainer, create_model, load_dataset
from lenetkit.trainer import OneCycle
from lenetkit.transforms import Compose, Grayscale, Rescale, Resize

# %%
# Test rising rates
# -----------------
#
# Afterwards the model is reset to its initial state. The suggestion is the rate at which the
# loss falls fastest.

digits = load_dataset("digits")
train, test = digits.split(test_size=0.10, seed=0)
prepare = Compose([Grayscale(), Resize((28, 28)), Rescale()])
images, test_images = prepare(train.images), prepare(test.images)

trainer = Trainer(batch_size=32, verbose=0)
search = trainer.find_learning_rate(create_model(seed=0), images, train.labels)
print(f"suggested: {search.suggestion:.4g}")
search.plot()

# %%
# Compare the suggestion
# ----------------------
#
# A constant rate a hundred times smaller, the suggested one, and one a hundred times larger;
# and a rate that rises to the suggested one and falls again.

rates = {
    "a hundredth": search.suggestion / 100,
    "suggested": search.suggestion,
    "a hundredfold": min(search.suggestion * 100, 1.0),
    "one cycle": OneCycle(search.suggestion),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for name, rate in rates.items():
    run = Trainer(epochs=8, batch_size=32, learning_rate=rate, label_smoothing=0, verbose=0)
    result = run.fit(
        create_model(seed=0), images, train.labels, validation_data=(test_images, test.labels)
    )
    epochs = range(1, result.epochs_run + 1)
    left.plot(epochs, result.history["loss"], label=name)
    right.plot(epochs, 100 * result.history["val_accuracy"], label=name)
left.set(yscale="log", xlabel="epoch", ylabel="loss in training")
right.set(xlabel="epoch", ylabel="accuracy on held-back images, %")
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
