"""The residual balances (遗留余额): shown beside the custody account, withdrawn to the old card, never paid twice."""
