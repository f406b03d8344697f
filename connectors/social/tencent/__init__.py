"""What WeCom and WeChat share: the envelope of callbacks, calls under an access token, what their errors mean."""
