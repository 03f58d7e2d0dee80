/* cifar100: photographs of a hundred kinds of things, or by their twenty groups (cifar100-coarse).
 *   binary   train.bin, test.bin: records of the group (0 to 19), the kind (0 to 99) and the pixels;
 *            fine_label_names.txt, coarse_label_names.txt: the names, a line each
 *   Python   train, test: pickles of a dictionary with data (N, 3072), fine_labels and coarse_labels;
 *            meta: one with fine_label_names and coarse_label_names
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html */
#include "cifar.h"

enum { COARSE, FINE, GROUPS = 20, KINDS = 100 };

static const char *const kind_name[KINDS] = {
    "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
    "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
    "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
    "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
    "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
    "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
    "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
    "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
    "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
    "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
    "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
    "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
    "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
    "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
    "woman",      "worm",
};

static const char *const group_name[GROUPS] = {
    "aquatic_mammals",
    "fish",
    "flowers",
    "food_containers",
    "fruit_and_vegetables",
    "household_electrical_devices",
    "household_furniture",
    "insects",
    "large_carnivores",
    "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores",
    "medium_mammals",
    "non-insect_invertebrates",
    "people",
    "reptiles",
    "small_mammals",
    "trees",
    "vehicles_1",
    "vehicles_2",
};

static const lami_cifar fine = {
    .batches = 1,
    .form[LAMI_CIFAR_BINARY] = { "cifar-100-binary", { "train.bin", "test.bin", "fine_label_names.txt" } },
    .form[LAMI_CIFAR_PYTHON] = { "cifar-100-python", { "train", "test", "meta" } },
    .labels = 2,
    .label = FINE,
    .limit = { GROUPS, KINDS },
    .key = "fine_labels",
    .names_key = "fine_label_names",
    .class_name = kind_name,
};

static const lami_cifar coarse = {
    .batches = 1,
    .form[LAMI_CIFAR_BINARY] = { "cifar-100-binary", { "train.bin", "test.bin", "coarse_label_names.txt" } },
    .form[LAMI_CIFAR_PYTHON] = { "cifar-100-python", { "train", "test", "meta" } },
    .labels = 2,
    .label = COARSE,
    .limit = { GROUPS, KINDS },
    .key = "coarse_labels",
    .names_key = "coarse_label_names",
    .class_name = group_name,
};

static int matches(const char *path)
{
    return lami_cifar_matches(&fine, path);
}

static lam_status open_fine(lam_data *data, const char *path, const lami_open *how)
{
    (void)how;
    return lami_cifar_open(data, &fine, path);
}

static lam_status open_coarse(lam_data *data, const char *path, const lami_open *how)
{
    (void)how;
    return lami_cifar_open(data, &coarse, path);
}

static const char *const places[] = { "/usr/share/datasets", "/usr/local/share/datasets", NULL };

const lami_data_kind lami_data_cifar100 = {
    .name = "cifar100",
    .help = "photographs of a hundred kinds of things, 3x32x32: binary or Python files, folder or .tar.gz",
    .matches = matches,
    .open = open_fine,
    .places = places,
};

const lami_data_kind lami_data_cifar100_coarse = {
    .name = "cifar100-coarse",
    .help = "the same, by their twenty groups",
    .matches = matches,
    .open = open_coarse,
};
