// quadrants_cpp: quadrants.c in C++, with owners that free what they hold and errors as exceptions.
#include <lamina.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

struct Free {
    void operator()(lam_options *o) const { lam_options_free(o); }
    void operator()(lam_data *d) const { lam_data_free(d); }
    void operator()(lam_net *n) const { lam_net_free(n); }
};
template <class T> using owner = std::unique_ptr<T, Free>;

static void check(lam_status status)
{
    if (status)
        throw std::runtime_error(lam_last_error());
}

// The object that a function of the library hands over through its first argument.
template <class T, class... Parameters, class... Arguments>
static owner<T> make(lam_status (*function)(T **, Parameters...), Arguments... arguments)
{
    T *made = nullptr;
    check(function(&made, arguments...));
    return owner<T>(made);
}

int main()
{
    const size_t count = 400;
    std::vector<float> x;
    std::vector<unsigned char> y;
    for (size_t i = 0; i < count; i++) {
        x.push_back(static_cast<float>(i * 37 % count) / (count / 2) - 1);
        x.push_back(static_cast<float>(i * 91 % (count + 1)) / (count / 2) - 1);
        y.push_back(x[2 * i] * x[2 * i + 1] > 0);
    }
    const lam_tensor points = { LAM_F32, { 2, { count, 2 } }, x.data() };
    const lam_tensor labels = { LAM_U8, { 1, { count } }, y.data() };
    try {
        const auto options = make(lam_options_new);
        check(lam_options_set(options.get(), "epochs", "60"));
        check(lam_options_set(options.get(), "batch", "20"));
        check(lam_options_set(options.get(), "lr", "0.01"));
        const auto data = make(lam_data_from_arrays, &points, &labels, 2, 0);
        const auto net = make(lam_net_new, "affine 16 - relu - affine 2 - softmax", lam_data_shape(data.get()), options.get());
        lam_metrics m = {};
        check(lam_train(net.get(), data.get(), options.get(), nullptr, nullptr));
        check(lam_eval(&m, net.get(), data.get(), LAM_TRAIN, nullptr));
        std::printf("lamina %s: %.1f%% of %zu points are right\n", lam_version(), 100 * m.accuracy, m.count);
        return m.accuracy < 0.95;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
