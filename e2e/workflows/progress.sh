#!/bin/sh
# The report of the last DAYS days (3), in English and French, from what was recorded.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p target/reports
for language in en fr; do
    docs/project/report.py --days "${DAYS:-3}" --lang $language > target/reports/progress-$language.md
    echo "progress: target/reports/progress-$language.md, $(wc -l < target/reports/progress-$language.md) lines"
done
