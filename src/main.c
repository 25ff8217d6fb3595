#include <stdio.h>

int main(void)
{
    fputs("mantis: not wired up yet\n", stderr);
    return 1;
}
