"""Your own labels: strings as class names.

Labels may be strings, the encoder converts them to targets and back, and classes missing from the training images can
be named in advance.

    python examples/own_labels.py
"""

import numpy as np

from lenetkit import LabelEncoder, Pipeline, Trainer, load_dataset

WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


def main() -> None:
    digits = load_dataset("digits")
    train, test = digits.split(test_size=0.10, seed=0)

    print("The encoder alone: words to targets and back")
    encoder = LabelEncoder().fit(WORDS)
    print("columns:", ", ".join(encoder.classes_))
    targets = encoder.transform(["seven", "one"])
    print(targets.astype(int))
    print(encoder.inverse_transform(targets))

    print("\nThe pipeline with words for labels: words come back")
    pipe = Pipeline(trainer=Trainer(epochs=digits.epochs, verbose=0))
    pipe.fit(train.images, WORDS[train.labels])
    print("said:", ", ".join(pipe.predict(test.images[:8])))
    print("true:", ", ".join(WORDS[test.labels[:8]]))
    print(pipe.evaluate(test.images, WORDS[test.labels]))

    print("\nThe order of the columns, and classes without a single training image, can be fixed")
    few = train[train.labels < 5]
    pipe = Pipeline(encoder=LabelEncoder(classes=WORDS), trainer=Trainer(epochs=1, verbose=0))
    pipe.fit(few.images, WORDS[few.labels])
    print("columns:", ", ".join(pipe.classes_))
    print("shape of the probabilities:", pipe.predict_proba(test.images[:8]).shape)


if __name__ == "__main__":
    main()
