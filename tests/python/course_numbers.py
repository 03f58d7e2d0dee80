"""Inputs and expected values of the checks that both courses' notebooks print, and networks of the course in NumPy.

The numbers are facts of the public notebooks: FullyConnectedNets and ConvolutionalNetworks of CS231n's second assignment
(2018 to 2026), fully_connected_networks and convolutional_networks of EECS498-007's third (2019 to 2022)."""
import numpy as np


def line(first, last, *shape):
    """Numbers at equal distances, as an array."""
    return np.linspace(first, last, int(np.prod(shape))).reshape(shape)


def rel_error(x, y):
    """The notebooks' measure of CS231n."""
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


AFFINE = (line(-0.1, 0.5, 2, 4, 5, 6), line(-0.2, 0.3, 120, 3), line(-0.3, 0.1, 3))
AFFINE_OUT = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]

RELU = (line(-0.5, 0.5, 3, 4),)
RELU_OUT = [[0, 0, 0, 0], [0, 0, 0.04545455, 0.13636364], [0.22727273, 0.31818182, 0.40909091, 0.5]]

CONV = (line(-0.1, 0.5, 2, 3, 4, 4), line(-0.2, 0.3, 3, 3, 4, 4), line(-0.1, 0.2, 3), {"stride": 2, "pad": 1})
CONV_OUT = [[[[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]], [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
             [[0.50813986, 0.54309974], [0.64082444, 0.67101435]]],
            [[[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
             [[0.69108355, 0.66880383], [0.59480972, 0.56776003]], [[2.36270298, 2.36904306], [2.38090835, 2.38247847]]]]

POOL_2 = {"pool_height": 2, "pool_width": 2, "stride": 2}
POOL = (line(-0.3, 0.4, 2, 3, 4, 4), POOL_2)
POOL_OUT = [[[[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
             [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
             [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]]],
            [[[0.09052632, 0.10526316], [0.14947368, 0.16421053]], [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
             [[0.32631579, 0.34105263], [0.38526316, 0.4]]]]

TWO_LAYER = {"W1": line(-0.7, 0.3, 5, 50), "b1": line(-0.1, 0.9, 50), "W2": line(-0.3, 0.4, 50, 7), "b2": line(-0.9, 0.1, 7)}
TWO_LAYER_X, TWO_LAYER_Y = line(-5.5, 4.5, 5, 3).T, np.array([0, 5, 1])
TWO_LAYER_SCORES = [
    [11.53165108, 12.2917344, 13.05181771, 13.81190102, 14.57198434, 15.33206765, 16.09215096],
    [12.05769098, 12.74614105, 13.43459113, 14.1230412, 14.81149128, 15.49994135, 16.18839143],
    [12.58373087, 13.20054771, 13.81736455, 14.43418138, 15.05099822, 15.66781506, 16.2846319]]
TWO_LAYER_LOSS = 3.4702243556
TWO_LAYER_LOSS_REG_1 = {"cs231n": 26.5948426952, "eecs498": 49.719461034881775}  # half of the squares, all of them

W, DW = line(-0.4, 0.6, 4, 5), line(-0.6, 0.4, 4, 5)
# rule -> config, next w, the config's expected state
UPDATES = {
    "sgd_momentum": ({"learning_rate": 1e-3, "velocity": line(0.6, 0.9, 4, 5)}, [
        [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789], [0.47454737, 0.54133684, 0.60812632, 0.67491579, 0.74170526],
        [0.80849474, 0.87528421, 0.94207368, 1.00886316, 1.07565263], [1.14244211, 1.20923158, 1.27602105, 1.34281053, 1.4096]],
        {"velocity": [
            [0.5406, 0.55475789, 0.56891579, 0.58307368, 0.59723158],
            [0.61138947, 0.62554737, 0.63970526, 0.65386316, 0.66802105],
            [0.68217895, 0.69633684, 0.71049474, 0.72465263, 0.73881053],
            [0.75296842, 0.76712632, 0.78128421, 0.79544211, 0.8096]]}),
    "rmsprop": ({"learning_rate": 1e-2, "cache": line(0.6, 0.9, 4, 5)}, [
        [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
        [-0.132737, -0.08078555, -0.02881884, 0.02316247, 0.07515774],
        [0.12716641, 0.17918792, 0.23122175, 0.28326742, 0.33532447],
        [0.38739248, 0.43947102, 0.49155973, 0.54365823, 0.59576619]],
        {"cache": [
            [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321], [0.67329252, 0.68859723, 0.70395734, 0.71937285, 0.73484377],
            [0.75037008, 0.7659518, 0.78158892, 0.79728144, 0.81302936],
            [0.82883269, 0.84469141, 0.86060554, 0.87657507, 0.8926]]}),
    "adam": ({"learning_rate": 1e-2, "m": line(0.6, 0.9, 4, 5), "v": line(0.7, 0.5, 4, 5), "t": 5}, [
        [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
        [-0.1380274, -0.08544591, -0.03286534, 0.01971428, 0.0722929],
        [0.1248705, 0.17744702, 0.23002243, 0.28259667, 0.33516969],
        [0.38774145, 0.44031188, 0.49288093, 0.54544852, 0.59801459]],
        {"v": [
            [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853], [0.64683452, 0.63628604, 0.6257431, 0.61520571, 0.60467385],
            [0.59414753, 0.58362676, 0.57311152, 0.56260183, 0.55209767],
            [0.54159906, 0.53110598, 0.52061845, 0.51013645, 0.49966]],
         "m": [
            [0.48, 0.49947368, 0.51894737, 0.53842105, 0.55789474], [0.57736842, 0.59684211, 0.61631579, 0.63578947, 0.65526316],
            [0.67473684, 0.69421053, 0.71368421, 0.73315789, 0.75263158],
            [0.77210526, 0.79157895, 0.81105263, 0.83052632, 0.85]]}),
}


# ---- in plain NumPy ---------------------------------------------------------------------------------------------------


def conv(x, w, b, stride, pad):
    """Convolution by its definition."""
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    lines = (padded.shape[2] - w.shape[2]) // stride + 1
    columns = (padded.shape[3] - w.shape[3]) // stride + 1
    out = np.empty((len(x), len(w), lines, columns))
    for i in range(lines):
        for j in range(columns):
            field = padded[:, :, i * stride:i * stride + w.shape[2], j * stride:j * stride + w.shape[3]]
            out[:, :, i, j] = np.tensordot(field, w, ((1, 2, 3), (1, 2, 3))) + b
    return out


def pool(x, height, width, stride):
    """Max-pooling by its definition."""
    lines, columns = (x.shape[2] - height) // stride + 1, (x.shape[3] - width) // stride + 1
    out = np.empty((*x.shape[:2], lines, columns))
    for i in range(lines):
        for j in range(columns):
            out[:, :, i, j] = x[:, :, i * stride:i * stride + height, j * stride:j * stride + width].max((2, 3))
    return out


def normalised(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def softmax(scores, y):
    """Mean cross-entropy, and its gradient."""
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


class PlainNet:
    """{affine - [batchnorm] - relu} x (L - 1) - affine - softmax, as a student would write it."""

    def __init__(self, params, reg=0.0, batchnorm=False):
        self.params, self.reg, self.batchnorm = params, reg, batchnorm
        self.layers = sum(name.startswith("W") for name in params)
        self.bn_params = [{"mode": "train"} for _ in range(self.layers - 1)] if batchnorm else []

    def loss(self, X, y=None):
        P, steps, h = self.params, [], X.reshape(len(X), -1).astype(self.params["W1"].dtype)
        for i in range(1, self.layers):
            z, norm = h @ P[f"W{i}"] + P[f"b{i}"], None
            if self.batchnorm:
                z, norm = self.norm(z, P[f"gamma{i}"], P[f"beta{i}"], self.bn_params[i - 1], y is not None)
            steps.append((h, z, norm))
            h = np.maximum(z, 0)
        scores = h @ P[f"W{self.layers}"] + P[f"b{self.layers}"]
        if y is None:
            return scores
        loss, d = softmax(scores, y)
        grads = {}
        for i in range(self.layers, 0, -1):
            loss += 0.5 * self.reg * np.sum(P[f"W{i}"] ** 2)
            grads[f"W{i}"], grads[f"b{i}"] = h.T @ d + self.reg * P[f"W{i}"], d.sum(0)
            if i > 1:
                h, z, norm = steps[i - 2]
                d = (d @ P[f"W{i}"].T) * (z > 0)
                if norm:
                    xhat, rstd = norm
                    grads[f"gamma{i - 1}"], grads[f"beta{i - 1}"] = (d * xhat).sum(0), d.sum(0)
                    g = d * P[f"gamma{i - 1}"]
                    d = rstd * (g - g.mean(0) - xhat * (g * xhat).mean(0))
        return loss, grads

    @staticmethod
    def norm(x, gamma, beta, bn_param, train):
        if train:
            mean, var = x.mean(0), x.var(0)
            for name, value in (("running_mean", mean), ("running_var", var)):
                bn_param[name] = 0.9 * bn_param.get(name, np.zeros_like(value)) + 0.1 * value
        else:
            mean, var = bn_param["running_mean"], bn_param["running_var"]
        rstd = 1 / np.sqrt(var + 1e-5)
        xhat = (x - mean) * rstd
        return gamma * xhat + beta, (xhat, rstd)
