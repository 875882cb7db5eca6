// SPDX-License-Identifier: MIT
// tests/unit/test_kernels.c without its test library, for another architecture.
#include <stdio.h>

#include "tests/support/kernel_check.h"

static char why[KERNEL_WHY_BYTES];
static int failed;

static void check(const char *what, const char *set, bool right)
{
    printf("%-8s %-8s %s%s%s\n", set, what, right ? "ok" : "FAILED", right ? "" : ": ",
           right ? "" : why);
    failed += !right;
}

int main(void)
{
    uint32_t count;
    const struct hwi_kernel_set *sets = hwi_kernel_sets(&count);
    check("halves", "scalar", kernel_oracle_halves(why));
    check("values", "scalar", kernel_check_values(sets, why));
    for (uint32_t i = 0; i < count; i++) {
        check("table", sets[i].name, kernel_check_table(&sets[i], why));
        if (i == 0 || !sets[i].runs()) {
            continue;
        }
        check("shapes", sets[i].name, kernel_check_shapes(&sets[i], sets, why));
        check("pairs", sets[i].name, kernel_check_pairs(&sets[i], sets, why));
    }
    printf("%s runs here\n", hwi_kernel_best()->name);
    return failed || count < 2;
}
