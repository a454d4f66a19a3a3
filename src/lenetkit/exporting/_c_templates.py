"""The parts of a C header that are the same for every network, as templates for ``str.format``."""

__all__ = ["ACTIVATION", "FUNCTIONS", "HEADER", "PREDICT", "TEST"]

HEADER = """\
/* {title}
 *
 * Written by lenetkit. C99; no library but math.h, no memory but what the caller gives: {workspace:,} bytes of
 * workspace, beside {weights:,} bytes of constants.
 *
 *     static {p}_workspace workspace;
 *     float probabilities[{P}_CLASSES];
 *     int label = {p}_predict(image, probabilities, &workspace);
 *
 * image: {n_values} numbers ({height} x {width} x {channels}), row by row, prepared as {file}.preprocessing.json
 * says. The result is the index of the greatest probability; {p}_labels has its name. The function changes
 * nothing but what it is given: threads may run it at the same time, each with a workspace of its own.
 *
 * With {P}_TEST defined before this file is included, {p}_check(&workspace) runs the test vectors and returns
 * the greatest difference from the answers that they must give: at most 1e-5.
 */
#ifndef {P}_H
#define {P}_H

{includes}
#define {P}_HEIGHT {height}
#define {P}_WIDTH {width}
#define {P}_CHANNELS {channels}
#define {P}_CLASSES {n_classes}

/* The names of the classes, UTF-8. */
static const char *const {p}_labels[{P}_CLASSES] = {{
{labels}
}};

typedef struct {{
{slots}
}} {p}_workspace;

"""

FUNCTIONS = {
    "convolve": """\
/* Multiply what a window sees by a kernel[row][column][input][output] and add the biases; a dense layer is a window of
 * 1 x 1. Outside the image there are zeros. */
static inline void {p}_convolve(const float *x, int height, int width, int inputs, const {weight} *kernel,{scale_in}
    const float *bias, int kernel_height, int kernel_width, int stride_y, int stride_x, int top, int left,
    int rows, int columns, int outputs, float *y)
{{
    int row, column, i, j, k, o;
    for (row = 0; row < rows; row++) {{
        for (column = 0; column < columns; column++, y += outputs) {{
            for (o = 0; o < outputs; o++) y[o] = 0.0f;
            for (i = 0; i < kernel_height; i++) {{
                const int from_row = row * stride_y - top + i;
                if (from_row < 0 || from_row >= height) continue;
                for (j = 0; j < kernel_width; j++) {{
                    const int from_column = column * stride_x - left + j;
                    const float *seen = x + (from_row * width + from_column) * inputs;
                    const {weight} *weights = kernel + (i * kernel_width + j) * inputs * outputs;
                    if (from_column < 0 || from_column >= width) continue;
                    for (k = 0; k < inputs; k++, weights += outputs) {{
                        for (o = 0; o < outputs; o++) y[o] += seen[k] * (float)weights[o];
                    }}
                }}
            }}
            for (o = 0; o < outputs; o++) y[o] = y[o]{scaled} + bias[o];
        }}
    }}
}}
""",
    "pool max": """\
/* The greatest value that each window sees in each map. */
static inline void {p}_pool_max(const float *x, int height, int width, int maps, int window_height, int window_width,
    int stride_y, int stride_x, int top, int left, int rows, int columns, float *y)
{{
    int row, column, i, j, k;
    for (row = 0; row < rows; row++) {{
        for (column = 0; column < columns; column++, y += maps) {{
            for (k = 0; k < maps; k++) y[k] = -INFINITY;
            for (i = 0; i < window_height; i++) {{
                const int from_row = row * stride_y - top + i;
                if (from_row < 0 || from_row >= height) continue;
                for (j = 0; j < window_width; j++) {{
                    const int from_column = column * stride_x - left + j;
                    if (from_column < 0 || from_column >= width) continue;
                    for (k = 0; k < maps; k++) {{
                        const float seen = x[(from_row * width + from_column) * maps + k];
                        if (seen > y[k]) y[k] = seen;
                    }}
                }}
            }}
        }}
    }}
}}
""",
    "pool average": """\
/* The mean of what each window sees in each map, without what lies outside. */
static inline void {p}_pool_average(const float *x, int height, int width, int maps, int window_height,
    int window_width, int stride_y, int stride_x, int top, int left, int rows, int columns, float *y)
{{
    int row, column, i, j, k;
    for (row = 0; row < rows; row++) {{
        for (column = 0; column < columns; column++, y += maps) {{
            int seen = 0;
            for (k = 0; k < maps; k++) y[k] = 0.0f;
            for (i = 0; i < window_height; i++) {{
                const int from_row = row * stride_y - top + i;
                if (from_row < 0 || from_row >= height) continue;
                for (j = 0; j < window_width; j++) {{
                    const int from_column = column * stride_x - left + j;
                    if (from_column < 0 || from_column >= width) continue;
                    seen++;
                    for (k = 0; k < maps; k++) y[k] += x[(from_row * width + from_column) * maps + k];
                }}
            }}
            for (k = 0; k < maps; k++) y[k] /= (float)seen;
        }}
    }}
}}
""",
    "affine": """\
/* Scale and shift each map; x and y may be the same. */
static inline void {p}_affine(const float *x, int pixels, int maps, const float *scale, const float *offset, float *y)
{{
    int i, k;
    for (i = 0; i < pixels; i++) {{
        for (k = 0; k < maps; k++) y[i * maps + k] = x[i * maps + k] * scale[k] + offset[k];
    }}
}}
""",
    "pad": """\
/* Lay maps in larger ones of zeros. */
static inline void {p}_pad(const float *x, int height, int width, int maps, int top, int left, int rows, int columns,
    float *y)
{{
    int row, column, i;
    for (i = 0; i < rows * columns * maps; i++) y[i] = 0.0f;
    for (row = 0; row < height; row++) {{
        for (column = 0; column < width * maps; column++) {{
            y[((row + top) * columns + left) * maps + column] = x[row * width * maps + column];
        }}
    }}
}}
""",
    "softmax": """\
/* Make probabilities of numbers; x and y may be the same. */
static inline void {p}_softmax(const float *x, int n, float *y)
{{
    int i;
    float greatest = x[0], sum = 0.0f;
    for (i = 1; i < n; i++) if (x[i] > greatest) greatest = x[i];
    for (i = 0; i < n; i++) sum += y[i] = expf(x[i] - greatest);
    for (i = 0; i < n; i++) y[i] /= sum;
}}
""",
    "compare": """\
/* The negative squared distance from each of some vectors. */
static inline void {p}_compare(const float *x, int n, const float *bitmaps, int classes, float *y)
{{
    int i, k;
    for (k = 0; k < classes; k++) {{
        y[k] = 0.0f;
        for (i = 0; i < n; i++) y[k] -= (x[i] - bitmaps[k * n + i]) * (x[i] - bitmaps[k * n + i]);
    }}
}}
""",
    "join": """\
/* Copy maps to where they lie among those of all parts. */
static inline void {p}_join(const float *x, int pixels, int maps, int all_maps, float *y)
{{
    int i, k;
    for (i = 0; i < pixels; i++) {{
        for (k = 0; k < maps; k++) y[i * all_maps + k] = x[i * maps + k];
    }}
}}
""",
    "add": """\
/* Add numbers to what is there, or put them there. */
static inline void {p}_add(const float *x, int n, int first, float *y)
{{
    int i;
    for (i = 0; i < n; i++) y[i] = first ? x[i] : y[i] + x[i];
}}
""",
}

ACTIVATION = """\
/* Apply {name}; y may be the same as its source. */
static inline void {p}_{function}(const float *source, int n, float *y)
{{
    int i;
    for (i = 0; i < n; i++) {{
        const float x = source[i];
        y[i] = {expression};
    }}
}}
"""

PREDICT = """\
/* Answer one image. */
static inline int {p}_predict(const float *image, float *probabilities, {p}_workspace *workspace)
{{
    int i, best = 0;
{calls}
    for (i = 1; i < {P}_CLASSES; i++) if (probabilities[i] > probabilities[best]) best = i;
    return best;
}}

"""

TEST = """\
#ifdef {P}_TEST

#define {P}_TESTS {n}

{vectors}
/* Run the test vectors: the greatest difference of a probability; not a number where one is none. */
static inline float {p}_check({p}_workspace *workspace)
{{
    int test, i;
    float probabilities[{P}_CLASSES], greatest = 0.0f;
    for (test = 0; test < {P}_TESTS; test++) {{
        {p}_predict({p}_test_images + test * {n_values}, probabilities, workspace);
        for (i = 0; i < {P}_CLASSES; i++) {{
            const float off = fabsf(probabilities[i] - {p}_test_answers[test * {P}_CLASSES + i]);
            if (!(off <= greatest)) greatest = off;
        }}
    }}
    return greatest;
}}

#endif
"""
