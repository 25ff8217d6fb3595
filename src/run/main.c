#include <stdio.h>

int main(void)
{
    fputs("mantis-worker: not wired up yet\n", stderr);
    return 1;
}
