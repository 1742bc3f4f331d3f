//! Hubverse directories: build, backtest and score forecasts with files only.
