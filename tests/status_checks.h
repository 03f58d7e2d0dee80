/* status_checks: calls that have to work. Include after cmocka.h. */
#ifndef LAMI_TEST_STATUS_CHECKS_H
#define LAMI_TEST_STATUS_CHECKS_H

#include "lamina.h"

static inline void assert_ok(lam_status status)
{
    if (status)
        print_error("%s\n", lam_last_error());
    assert_int_equal(status, LAM_OK);
}

#endif
