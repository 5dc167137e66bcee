"""A judge: any classifier of scikit-learn."""

from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ridge_classifier = make_pipeline(StandardScaler(), RidgeClassifier())
