# 200 random sets of paired outcomes and what R says of them: tests/golden/gate/paired.csv is this script's
# output, and src/gate/paired.c must agree with it. Base R only.
#
# usage: Rscript gate_paired.R > tests/golden/gate/paired.csv

set.seed(20260304, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
confidence <- 0.95
z <- qnorm((1 + confidence) / 2)

# The likeliest share of losses when wins exceed them by delta, found by maximising the likelihood.
loss_share <- function(wins, losses, ties, delta) {
  log_power <- function(k, p) if (k == 0) 0 else k * log(p)
  likelihood <- function(q) log_power(wins, q + delta) + log_power(losses, q) + log_power(ties, 1 - 2 * q - delta)
  optimize(likelihood, c(max(0, -delta), (1 - delta) / 2), maximum = TRUE, tol = 1e-13)$maximum
}

score <- function(wins, losses, ties, delta) {
  n <- wins + losses + ties
  q <- loss_share(wins, losses, ties, delta)
  (wins - losses - n * delta) / sqrt(n * (2 * q + delta * (1 - delta)))
}

# Tango's interval: the differences that the score test does not reject.
difference <- function(wins, losses, ties) {
  n <- wins + losses + ties
  seen <- (wins - losses) / n
  edge <- 1e-9
  end <- function(goal, from, to) uniroot(function(d) score(wins, losses, ties, d) - goal, c(from, to), tol = 1e-12)$root
  c(if (losses == n) -1 else end(z, -1 + edge, seen - edge), if (wins == n) 1 else end(-z, seen + edge, 1 - edge))
}

# P(sum > 0) of n draws from the differences.
improvement <- function(wins, losses, ties) {
  n <- wins + losses + ties
  if (max(wins, losses, ties) == n) return(as.numeric(wins > 0))
  p <- c(wins, losses, ties) / n
  sum(vapply(1:n, function(i) {
    j <- 0:min(i - 1, n - i)
    sum(exp(lfactorial(n) - lfactorial(i) - lfactorial(j) - lfactorial(n - i - j)) *
        p[1]^i * p[2]^j * p[3]^(n - i - j))
  }, 0))
}

row <- function(wins, losses, ties) {
  n <- wins + losses
  greater <- if (n) binom.test(wins, n, alternative = "greater")$p.value else 1
  share <- if (n) binom.test(wins, n, conf.level = confidence)$conf.int else c(0, 1)
  c(wins, losses, ties, greater, if (n) binom.test(wins, n)$p.value else 1, greater - dbinom(wins, n, 0.5) / 2,
    share, difference(wins, losses, ties), improvement(wins, losses, ties))
}

cat("wins,losses,ties,one_sided,two_sided,mid_p,share_low,share_high,difference_low,difference_high,improvement\n")
for (i in 1:200) {
  n <- sample(c(1:20, 21:150), 1)
  p <- rexp(3, c(2, 4, 1))
  counts <- rmultinom(1, n, p / sum(p))
  cat(sprintf("%.10g", row(counts[1], counts[2], counts[3])), sep = ",")
  cat("\n")
}
