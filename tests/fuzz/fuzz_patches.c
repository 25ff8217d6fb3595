/*
 * Pictures that a worker which was taken over sends to `serve`: what is accepted lies inside the screen.
 */
#include <stdint.h>

#include "base/caps.h"
#include "core/patches.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct patches m;
    struct patch p;
    unsigned sum = 0;
    int r, n = 0;
    if (patches_read(data, size, &m, NULL))
        return 0;
    while ((r = patches_next(&m, &p, NULL)) == 1) {
        if (p.rect.w < 1 || p.rect.h < 1 || p.rect.x + p.rect.w > m.width || p.rect.y + p.rect.h > m.height)
            BUG("a region outside of the screen");
        for (size_t i = 0; i < p.len; i++)
            sum += p.data[i];
        n++;
    }
    if (n > UINT16_MAX || (r && r != E_PROTOCOL))
        BUG("%d regions, code %d, sum %u", n, r, sum);
    return 0;
}
